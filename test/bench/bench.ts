// Runs `bench/run.ts` as `make bench QUICK=1` does, and reads the results files it wrote.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { LoadResult } from "../../bench/load/measure.ts"

const BENCH = join(import.meta.dir, "../../bench")

/** A results file, as far as tests look at it. */
export interface Results {
  origin: { commit: string; machine: Record<string, unknown>; versions: Record<string, string> }
  runs: Record<string, LoadResult[]>
}

/** Runs the scenario of this name alone; what it wrote, and what it printed. @throws with its output when it fails */
export async function bench(scenario: string, variables: Record<string, string> = {}): Promise<Results> {
  const env = { ...process.env, QUICK: "1", BENCH: scenario, ...variables }
  const child = Bun.spawn([process.execPath, join(BENCH, "run.ts")], { env, stdout: "pipe", stderr: "pipe" })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  if ((await child.exited) !== 0) throw new Error(`${scenario} failed:\n${out}${err}`)
  return JSON.parse(readFileSync(join(BENCH, "results/quick", `${scenario}.json`), "utf8"))
}
