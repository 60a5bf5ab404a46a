// What README says of growth: the picture and what its lines come to, everybody's return after the loss of a node, and a crowd.

import { GROWTH, pointsOf } from "../growth-scenarios.ts"
import type { LoadResult } from "../load/measure.ts"
import { median } from "../statistics.ts"
import { type Runs, ratio } from "../target.ts"
import { loadScenario } from "./results.ts"
import { short } from "./table.ts"

type Of = (result: LoadResult) => number | undefined

/** 1.2 times as much from one end to the other: less is what two runs of the same differ by. */
const FLAT = 1.2

/** From the fewest to the most: "2.3 to 2.4 µs, flat"; what each more costs in `eachUnit`, of which `parts` are a unit. */
function slope(points: ReturnType<typeof pointsOf>, unit: string, of: Of, eachUnit = unit, parts = 1): string {
  const values = points.map(({ results }) => median(results.map((result) => of(result) ?? Number.NaN)))
  const [first = Number.NaN, last = Number.NaN] = [values[0], values.at(-1)]
  const [from = 0, to = 0] = [points[0]?.point, points.at(-1)?.point]
  if (!Number.isFinite(first + last)) return ""
  const each = (last - first) / (to - from)
  const told = last / first <= FLAT ? "flat" : `${short(each * parts)} ${eachUnit} for each`
  return `${short(first)} to ${short(last)} ${unit}, ${told}`
}

/** The picture, the table, storms and the crowd, as far as the folder has them. */
export function growthFigures(folder: string): string[] {
  const rows = GROWTH.flatMap(({ name, title }) => {
    const points = pointsOf(loadScenario(folder, name)?.runs)
    if (points.length < 2) return []
    const range = `${points[0]?.point.toLocaleString("en-US")} to ${points.at(-1)?.point.toLocaleString("en-US")}`
    const relay = slope(points, "µs", (result) => result.cpuMicroseconds)
    const visit = slope(points, "µs", (result) => result.visitMicroseconds)
    const memory = slope(points, "MB", ({ residentBytes }) => residentBytes && residentBytes / 1e6, "KB", 1_000)
    return [`| ${title}: ${range} | ${relay} | ${visit} | ${memory} |`]
  })
  if (rows.length === 0) return []
  return [
    "What growth costs:",
    ["| more of | CPU per relay | CPU per visit | memory |", "| --- | --- | --- | --- |", ...rows].join("\n"),
    "![CPU time of relays and visits, and memory, against connections, rooms, members of a room and nodes](bench/results/growth.svg)",
    ...storm(folder),
    ...crowd(folder),
  ]
}

function middle(runs: Runs, name: string, of: Of): string {
  return short(median((runs[name] ?? []).map((result) => of(result) ?? Number.NaN)))
}

function storm(folder: string): string[] {
  const saved = loadScenario(folder, "storm")
  if (saved === undefined) return []
  const { runs } = saved
  const names = Object.keys(runs)
  const clients = runs[names[0] ?? ""]?.[0]?.operations ?? 0
  const rows = names.map((name) => {
    const times = short(ratio(runs, name, names[0] ?? "", ({ seconds }) => seconds) ?? Number.NaN)
    const seconds = middle(runs, name, (result) => result.seconds)
    const cpu = middle(runs, name, (result) => result.cpuMicroseconds)
    const late = middle(runs, name, ({ p99 }) => p99 / 1000)
    const pairs = middle(runs, name, ({ pairsP99 }) => pairsP99 && pairsP99 / 1000)
    return `| ${name} | ${seconds} s | ${times} | ${cpu} µs | ${late} ms | ${pairs} ms |`
  })
  return [
    `${clients.toLocaleString("en-US")} clients in rooms of 4 lose their node and come back at once:`,
    [
      "| | all are in after | times the limit | CPU of each | 99 of 100 are in after | a relay of others meanwhile, p99 |",
      "| --- | --- | --- | --- | --- | --- |",
      ...rows,
    ].join("\n"),
  ]
}

function crowd(folder: string): string[] {
  const runs = loadScenario(folder, "crowd")?.runs
  const [bare, ours] = Object.keys(runs ?? {})
  if (runs === undefined || bare === undefined || ours === undefined) return []
  const count = (runs[ours]?.[0]?.operations ?? 0).toLocaleString("en-US")
  const of = (name: string, what: Of): string => middle(runs, name, what)
  const bytes: Of = (result) => result.bytesPerConnection
  const idle: Of = ({ idleCores }) => idleCores && idleCores * 100
  return [
    `A crowd: ${count} connections in rooms of 2 to 10 over workers of one machine take ${of(ours, bytes)} B each (the bare forwarder ${of(bare, bytes)} B)
and ${of(ours, idle)} % of a core for 10,000 of them while nobody talks; of one in a hundred who do, 99 of 100 messages arrive within
${of(ours, ({ pairsP99 }) => pairsP99 && pairsP99 / 1000)} ms.`,
  ]
}
