// The results as text: one table for each scenario, one for the targets.

import type { LoadResult } from "../load/measure.ts"
import { type Runs, ratio, type Scenario, TARGETS } from "../scenarios.ts"
import { median } from "../statistics.ts"

/** Three significant digits, with thousands kept whole. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "-"
  if (value >= 100) return Math.round(value).toLocaleString("en-US")
  return value.toPrecision(3).replace(/\.?0+$/, "")
}

function range(results: readonly LoadResult[], of: (result: LoadResult) => number): string {
  const values = results.map(of)
  if (values.some(Number.isNaN)) return "unknown"
  const middle = short(median(values))
  return values.length === 1 ? middle : `${middle} (${short(Math.min(...values))}..${short(Math.max(...values))})`
}

function middle(results: readonly LoadResult[], of: (result: LoadResult) => number | undefined): string {
  const values = results.map(of)
  return values.every((value) => value !== undefined) ? short(median(values)) : ""
}

/** Resident memory, in MiB. */
function megabytes({ residentBytes }: LoadResult): number | undefined {
  return residentBytes === undefined ? undefined : residentBytes / 2 ** 20
}

/** Columns side by side, the first to the left and the others to the right. */
function align(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
}

/** One scenario's table; the ratio is to the first contender. */
export function scenarioTable(scenario: Scenario, runs: Runs): string {
  const isMemory = scenario.load.scenario === "idle"
  const isStorm = scenario.load.scenario === "storm"
  const allBack = (result: LoadResult): number => result.seconds
  const isTwoNodes = Object.values(runs).some((results) => results[0]?.redisCommands !== undefined)
  const first = scenario.contenders[0]?.name ?? ""
  const figure = (result: LoadResult): number =>
    isMemory ? (result.bytesPerConnection ?? Number.NaN) : (result.cpuMicroseconds ?? Number.NaN)
  const head = isMemory
    ? ["server", "B/connection", "ratio", "connections/s", "RSS MB"]
    : ["server", `CPU µs/${scenario.operation}`, "ratio", `${scenario.operation}/s`, "p50 µs", "p99 µs", "p99.9 µs"]
  if (isStorm) head.splice(3, 1, "all back s", "ratio")
  if (!isMemory) head.push("RSS MB", "generator µs")
  if (isStorm) head.push("relay p99 ms")
  if (isTwoNodes) head.push("Redis commands", "Redis µs")
  const rows = Object.entries(runs).map(([name, results]) => {
    const against = ratio(runs, name, first, figure)
    const row = [
      name,
      range(results, figure),
      against === undefined || Number.isNaN(against) ? "" : `${short(against)}×`,
    ]
    if (isStorm) row.push(range(results, allBack), `${short(ratio(runs, name, first, allBack) ?? Number.NaN)}×`)
    else row.push(middle(results, (result) => result.operations / result.seconds))
    if (!isMemory) for (const of of ["p50", "p99", "p999"] as const) row.push(middle(results, (result) => result[of]))
    row.push(middle(results, megabytes))
    if (!isMemory) row.push(middle(results, (result) => result.generatorMicroseconds))
    if (isStorm) row.push(middle(results, ({ pairsP99 }) => (pairsP99 ?? Number.NaN) / 1000))
    if (isTwoNodes) row.push(middle(results, (result) => result.redisCommands))
    if (isTwoNodes) row.push(middle(results, (result) => result.redisMicroseconds))
    return row
  })
  return `${scenario.title}\n${align([head, ...rows])}`
}

/** The targets that the measured scenarios speak of. */
export function targetTable(measured: ReadonlyMap<string, Runs>): string {
  const rows = [["target", "at most", "measured", ""]]
  for (const target of TARGETS) {
    const value = measured.has(target.scenario) ? target.measured(measured.get(target.scenario) ?? {}) : undefined
    if (value === undefined || Number.isNaN(value)) continue
    const isMet = value <= target.most
    rows.push([target.what, short(target.most) + target.unit, short(value) + target.unit, isMet ? "met" : "MISSED"])
  }
  return rows.length > 1 ? align(rows) : ""
}
