// Servers with workers, for any test: `WORKERS=2` gives every server that a test starts so many of them, and a Redis of its
// own where the test names none. So suites that know nothing of workers run over them.

import { readFileSync } from "node:fs"
import { type RedisServer, startRedis } from "./redis.ts"
import { makePrefix } from "./redis-stores.ts"

const WORKERS = process.env["WORKERS"] ?? ""

/** Whether each server has some. */
export const HAS_WORKERS = WORKERS !== ""

let redis: Promise<RedisServer> | undefined

/** What a server is started with. */
export async function withWorkers(args: readonly string[]): Promise<readonly string[]> {
  if (!HAS_WORKERS || args.includes("--workers")) return args
  const place = args.some((arg) => /^--redis(-cluster)?$/.test(arg)) ? [] : ["--redis", await urlOfRedis()]
  const prefix = args.includes("--redis-prefix") ? [] : ["--redis-prefix", makePrefix()]
  return [...args, ...place, ...prefix, "--workers", WORKERS]
}

/** The processes of a server's workers. */
export function workersOf(pid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim()
    return children === "" ? [] : children.split(" ").map(Number)
  } catch {
    return []
  }
}

async function urlOfRedis(): Promise<string> {
  redis ??= startRedis().then(endWithThisProcess)
  return (await redis).url
}

/** No test owns it, and `bun test` calls nobody at its end: a shell sees that, as its input ends. */
async function endWithThisProcess(redis: RedisServer): Promise<RedisServer> {
  const [, folder = ""] = (await redis.cli("config", "get", "dir")).split("\n")
  const watch = ["sh", "-c", 'read -r _; kill -9 "$0"; rm -rf "$1"', String(redis.pid), folder]
  Bun.spawn(watch, { stdin: "pipe", stdout: "ignore", stderr: "ignore" }).unref()
  return redis
}
