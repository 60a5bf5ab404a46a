// The results as text: one table for each scenario, one for the targets.

import type { LoadResult } from "../load/measure.ts"
import type { Scenario } from "../scenarios.ts"
import { median } from "../statistics.ts"
import { type Runs, ratio } from "../target.ts"
import { TARGETS } from "../targets.ts"

/** Three significant digits, with thousands kept whole. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "-"
  if (value >= 100) return Math.round(value).toLocaleString("en-US")
  return value.toPrecision(3).replace(/\.?0+$/, "")
}

type Of = (result: LoadResult) => number | undefined

/** What is written of the rounds of one contender. */
interface Column {
  head: string
  cell(results: readonly LoadResult[], name: string): string
}

/** The median, with the range behind it. */
function range(head: string, of: Of): Column {
  return {
    head,
    cell(results) {
      const values = results.map((result) => of(result) ?? Number.NaN)
      if (values.some(Number.isNaN)) return "unknown"
      const middle = short(median(values))
      return values.length === 1 ? middle : `${middle} (${short(Math.min(...values))}..${short(Math.max(...values))})`
    },
  }
}

/** The median alone; nothing where there is no such figure. */
function middle(head: string, of: Of): Column {
  return {
    head,
    cell(results) {
      const values = results.map(of)
      return values.every((value) => value !== undefined) ? short(median(values)) : ""
    },
  }
}

/** How many times that of the first contender. */
function against(runs: Runs, first: string, of: Of): Column {
  return {
    head: "ratio",
    cell(_results, name) {
      const value = ratio(runs, name, first, (result) => of(result) ?? Number.NaN)
      return value === undefined || Number.isNaN(value) ? "" : `${short(value)}×`
    },
  }
}

const bytes: Of = (result) => result.bytesPerConnection
const cpu: Of = (result) => result.cpuMicroseconds
const seconds: Of = (result) => result.seconds
const rate: Of = (result) => result.operations / result.seconds
const megabytes: Of = ({ residentBytes }) => residentBytes && residentBytes / 2 ** 20
const pairs: Of = ({ pairsP99 }) => pairsP99 && pairsP99 / 1000
const idlePercent: Of = ({ idleCores }) => idleCores && idleCores * 100
const growthPercent: Of = ({ growthPerHour }) => growthPerHour && growthPerHour * 100

/** What is told of a scenario, by what loads it. */
function columnsFor({ load, operation }: Scenario, runs: Runs, first: string): Column[] {
  const memory = [range("B/connection", bytes), against(runs, first, bytes)]
  const work = [range(`CPU µs/${operation}`, cpu), against(runs, first, cpu)]
  const resident = middle("RSS MB", megabytes)
  const latencies = [
    middle("p50 µs", ({ p50 }) => p50),
    middle("p99 µs", ({ p99 }) => p99),
    middle("p99.9 µs", ({ p999 }) => p999),
  ]
  const generator = middle("generator µs", (result) => result.generatorMicroseconds)
  const relayed = middle("relay p99 ms", pairs)
  const perSecond = middle(`${operation}/s`, rate)
  switch (load.scenario) {
    case "idle":
      return [...memory, perSecond, resident]
    case "storm": {
      const back = [range("all back s", seconds), against(runs, first, seconds)]
      return [
        ...work,
        ...back,
        ...latencies,
        resident,
        generator,
        relayed,
        middle("too late", ({ tooLate }) => tooLate),
      ]
    }
    case "crowd": {
      const idle = middle("idle, % of a core for 10,000", idlePercent)
      return [...memory, ...work, perSecond, resident, idle, relayed]
    }
    case "growth": {
      const visits = middle("CPU µs/visit", (result) => result.visitMicroseconds)
      return [...work, visits, perSecond, ...latencies, resident]
    }
    case "soak":
      return [
        ...work.slice(0, 1),
        perSecond,
        ...latencies,
        resident,
        middle("growth, % an hour", growthPercent),
        relayed,
      ]
    default: {
      const isTwoNodes = Object.values(runs).some((results) => results[0]?.redisCommands !== undefined)
      const redis = [
        middle("Redis commands", (result) => result.redisCommands),
        middle("Redis µs", (result) => result.redisMicroseconds),
      ]
      return [...work, perSecond, ...latencies, resident, generator, ...(isTwoNodes ? redis : [])]
    }
  }
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

/** One scenario's table; ratios are to the first contender. */
export function scenarioTable(scenario: Scenario, runs: Runs): string {
  const columns = columnsFor(scenario, runs, scenario.contenders[0]?.name ?? "")
  const rows = Object.entries(runs).map(([name, results]) => [name, ...columns.map(({ cell }) => cell(results, name))])
  return `${scenario.title}\n${align([["server", ...columns.map(({ head }) => head)], ...rows])}`
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
