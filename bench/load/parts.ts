// Further processes of the generator: what has to have priority over the rest, and what is more than one process can hold. Such
// a load says "ready" when it is, and ends when its input does.

import { resolve } from "node:path"
import type { LoadRequest, LoadResult } from "./measure.ts"

/** One that is ready. */
export interface Part {
  /** Ends it; answers what it measured. */
  stop(): Promise<LoadResult>
}

const MAIN = resolve(import.meta.dir, "main.ts")

/** Starts a load in a process of its own, with priority where that is asked for and allowed. @throws when it does not get ready */
export async function startPart(request: LoadRequest, hasPriority = false): Promise<Part> {
  const canHave = hasPriority && process.getuid?.() === 0 && Bun.which("nice") !== null
  const argv = [...(canHave ? ["nice", "-n", "-10"] : []), process.execPath, MAIN, JSON.stringify(request)]
  const child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" })
  const reader = child.stdout.getReader()
  const decoder = new TextDecoder()
  let output = ""
  const readOn = async (until: (output: string) => boolean): Promise<void> => {
    while (!until(output)) {
      const { done, value } = await reader.read()
      if (done) return
      output += decoder.decode(value, { stream: true })
    }
  }
  await readOn((text) => text.includes("ready\n"))
  if (!output.includes("ready\n")) throw new Error(`a part of the generator failed: ${output}`)
  return {
    async stop() {
      child.stdin.end()
      await readOn(() => false)
      return JSON.parse(output.slice(output.indexOf("\n") + 1))
    },
  }
}

/** In such a process: says that it is ready, and waits until it is to end. */
export async function untilStopped(): Promise<void> {
  console.log("ready")
  for await (const _ of Bun.stdin.stream());
}
