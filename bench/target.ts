// What a target is, and how it is read of the runs of a scenario.

import type { LoadResult } from "./load/measure.ts"
import { median } from "./statistics.ts"

/** What a scenario measured: the runs of each contender, round by round. */
export type Runs = Record<string, LoadResult[]>

/** A target of the project, as a ratio (or a difference) within one run. */
export interface Target {
  what: string
  scenario: string
  most: number
  /** How the number is written. */
  unit: string
  measured(runs: Runs): number | undefined
}

/** One number of a run. */
export type Measure = (result: LoadResult) => number
/** The one that most targets are about. */
const cpu: Measure = (result) => result.cpuMicroseconds ?? Number.NaN

/** The median of the ratios of neighbours in time: what slows the machine down for a while slows both. */
export function ratio(runs: Runs, one: string, other: string, of: Measure = cpu): number | undefined {
  const [ones, others] = [runs[one], runs[other]]
  if (!ones || !others) return undefined
  return median(ones.map((result, round) => of(result) / of(others[round] ?? result)))
}

/** The median of one contender's rounds. */
export function medianOf(runs: Runs, name: string, of: Measure): number | undefined {
  const results = runs[name]
  return results && median(results.map(of))
}
