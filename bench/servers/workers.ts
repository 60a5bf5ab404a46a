// Servers with workers: all on one port, as people run them; or each on a port of its own, so that the two of a room are at
// different workers for certain.

import { mkdtempSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { generatorCores } from "../generator.ts"
import type { Address } from "../load/connection.ts"
import { childrenOf, onCore, SERVER_CORE, start } from "./processes.ts"
import {
  at,
  EXECUTABLE,
  type Launch,
  NO_BUDGETS,
  type RunningServer,
  SERVER_READY,
  serverFlags,
  startRedis,
} from "./servers.ts"

/** `--workers` with so many, on all cores that are not the generator's. */
export function palavaWithWorkers(count: number): Launch {
  return async (certificate) => {
    const redis = await startRedis()
    const last = availableParallelism() - generatorCores() - 1
    const cores = last > 0 ? ["taskset", "-c", `0-${last}`] : []
    const flags = [...serverFlags(certificate), "--workers", String(count), "--redis", redis.url]
    const { pid, match, stop } = await start([...cores, EXECUTABLE, ...flags], SERVER_READY, NO_BUDGETS)
    return {
      ...serverOf(at(Number(match[1]), certificate), [pid, ...childrenOf(pid)], redis),
      async stop() {
        await stop("SIGINT")
        await redis.stop()
      },
    }
  }
}

/** Two workers of one server, but each on a port of its own: told what their supervisor would tell them. */
export const palavaAtTwoWorkers: Launch = async () => {
  const redis = await startRedis()
  const folder = mkdtempSync(join(tmpdir(), "palava-machine-bench-"))
  const workers = await Promise.all([1, 2].map((number) => startWorker(number, folder, redis.url)))
  return {
    ...serverOf(
      workers.flatMap(({ port }) => at(port)),
      workers.map(({ pid }) => pid),
      redis,
    ),
    async stop() {
      await Promise.all(workers.map(({ stop }) => stop()))
      await redis.stop()
    },
  }
}

async function startWorker(number: number, folder: string, redisUrl: string) {
  const started = Promise.withResolvers<number>()
  const argv = [EXECUTABLE, ...serverFlags(), "--redis", redisUrl]
  const child = Bun.spawn(onCore(SERVER_CORE, argv), {
    env: { ...process.env, ...NO_BUDGETS, PALAVA_WORKER: JSON.stringify({ number, port: 0, folder }) },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    serialization: "advanced",
    ipc(message: { kind: string; port?: number }) {
      if (message.kind === "started") started.resolve(message.port ?? 0)
    },
    onExit: () => started.reject(new Error("a worker ended before it was ready")),
  })
  const stop = async (): Promise<void> => {
    child.kill("SIGINT")
    await child.exited
  }
  return { port: await started.promise, pid: child.pid, stop }
}

function serverOf(
  addresses: Address[],
  pids: number[],
  redis: { url: string; pid: number },
): Omit<RunningServer, "stop"> {
  return { dialect: "palava", addresses, pids, redisUrl: redis.url, redisPid: redis.pid }
}
