// One run of the generator, in a process of its own: told what to do by its only argument, it answers on its output. In a storm
// it asks meanwhile for the server to be lost, and is told where to come back to.

import { availableParallelism } from "node:os"
import { resolve } from "node:path"
import type { LoadRequest, LoadResult } from "./load/measure.ts"
import { GENERATOR_CORE, onCore } from "./servers/processes.ts"
import type { RunningServer } from "./servers/servers.ts"
import { median } from "./statistics.ts"

const MAIN = resolve(import.meta.dir, "load/main.ts")

/** A third of the cores, for as many generators: one costs per message what the bare forwarder does. */
export function generatorCores(): number {
  return Math.max(1, Math.floor(availableParallelism() / 3))
}

/** Loads the server. @throws when a generator fails, or anything was not as it had to be */
export async function generate(request: LoadRequest, server: RunningServer): Promise<LoadResult> {
  const { generators: count = 1 } = request
  if (count === 1) return runOne(request, server, GENERATOR_CORE)
  const last = availableParallelism() - 1
  return merge(await Promise.all(Array.from({ length: count }, (_, at) => runOne(request, server, last - at))))
}

/** Of several that ran at the same time, each of which saw all of the server's CPU time and its own operations. */
function merge(results: readonly LoadResult[]): LoadResult {
  const sum = (of: (result: LoadResult) => number): number => results.reduce((all, result) => all + of(result), 0)
  const merged = { ...(results[0] as LoadResult), operations: sum(({ operations }) => operations) }
  for (const per of ["cpuMicroseconds", "redisCommands", "redisMicroseconds"] as const) {
    if (merged[per] !== undefined) merged[per] = 1 / sum((result) => 1 / (result[per] ?? Number.NaN))
  }
  for (const one of ["generatorMicroseconds", "p50", "p99", "p999"] as const) {
    merged[one] = median(results.map((result) => result[one]))
  }
  return merged
}

async function runOne(request: LoadRequest, server: RunningServer, core: number): Promise<LoadResult> {
  const argv = [process.execPath, MAIN, JSON.stringify(request)]
  const child = Bun.spawn(onCore(core, argv), { stdin: "pipe", stdout: "pipe", stderr: "inherit" })
  const decoder = new TextDecoder()
  let output = ""
  for await (const chunk of child.stdout) {
    output += decoder.decode(chunk, { stream: true })
    if (output !== "lose\n" || server.lose === undefined) continue
    output = ""
    child.stdin.write(`${JSON.stringify(await server.lose())}\n`)
    child.stdin.flush()
  }
  if ((await child.exited) !== 0) throw new Error("the generator failed")
  const result: LoadResult = JSON.parse(output)
  if (result.errors > 0) throw new Error(`${result.errors} errors; ${result.firstError}`)
  return result
}
