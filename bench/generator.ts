// One run of the generator, in a process of its own: told what to do by its only argument, it answers on its output. In a storm
// it asks meanwhile for the server to be lost, and is told where to come back to.

import { resolve } from "node:path"
import type { LoadRequest, LoadResult } from "./load/measure.ts"
import { GENERATOR_CORE, onCore } from "./servers/processes.ts"
import type { RunningServer } from "./servers/servers.ts"

const MAIN = resolve(import.meta.dir, "load/main.ts")

/** Loads the server. @throws when the generator fails, or anything was not as it had to be */
export async function generate(request: LoadRequest, server: RunningServer): Promise<LoadResult> {
  const argv = [process.execPath, MAIN, JSON.stringify(request)]
  const child = Bun.spawn(onCore(GENERATOR_CORE, argv), { stdin: "pipe", stdout: "pipe", stderr: "inherit" })
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
