// The results in words: the figures of README and the capacity table of docs/operate.md, from the files of a full run. A
// scenario that was not run has no row.

import type { LoadResult } from "../load/measure.ts"
import { FLOOR, FORWARDER, PALAVA, PALAVA_TWO, PEERJS, Y_WEBRTC } from "../scenarios.ts"
import { median } from "../statistics.ts"
import { type Runs, ratio } from "../target.ts"
import { growthFigures } from "./growth-figures.ts"
import { loadScenario } from "./results.ts"
import { sizingFigures } from "./sizing.ts"
import { short } from "./table.ts"

type Of = (result: LoadResult) => number | undefined

const cpu: Of = (result) => result.cpuMicroseconds
const bytes: Of = (result) => result.bytesPerConnection
const number = (of: Of) => (result: LoadResult) => of(result) ?? Number.NaN

/** README's rows: scenario, what it is called there, and what is said of the limit where it does less. */
const ROWS: readonly (readonly [scenario: string, what: string, limitDoes?: string])[] = [
  ["relay-300", "relay of a candidate (300 B)"],
  ["relay-300-window-1", "the same, one at a time"],
  ["tls-relay-300", "the same as the first, over TLS"],
  ["relay-2500", "relay of an offer (2.5 KB)"],
  ["fan-out", "message to all, per delivery in a room of 100"],
  ["join-storm", "visit: connect, join a room of 4, leave", " (connect only)"],
  ["call-setup", "call: two joins, offer, answer, 40 candidates"],
  ["idle", "memory of an idle connection in a room"],
  ["tls-idle", "the same, over TLS"],
]

/** What README says of the results in a folder. */
export function readmeFigures(folder: string): string {
  const rows = ROWS.flatMap(([scenario, what, limitDoes = ""]) => {
    const runs = loadScenario(folder, scenario)?.runs
    if (runs === undefined) return []
    const isMemory = scenario.endsWith("idle")
    const of = isMemory ? bytes : cpu
    const show = (name: string, more = "") => {
      const value = middle(runs, name, of)
      return value === undefined ? "" : `${short(value)} ${isMemory ? "B" : "µs"}${more}`
    }
    const against = short(ratio(runs, PALAVA, FORWARDER, number(of)) ?? Number.NaN)
    return [[what, show(PALAVA), show(FORWARDER, limitDoes), against, show(FLOOR), show(PEERJS), show(Y_WEBRTC)]]
  })
  const heads = ["", "palava-machine", "limit", "ratio", "floor", "peerjs-server", "y-webrtc's server"]
  const table = withoutEmptyColumns([heads, heads.map(() => "---"), ...rows])
  return [
    table.map((cells) => row(...cells)).join("\n"),
    "![CPU time of a relayed message](bench/results/relay.svg)",
    ...twoNodes(folder),
    ...growthFigures(folder),
    ...sizingFigures(folder),
    datesOf(folder),
  ].join("\n\n")
}

/** Contenders that were in no scenario have no column; the first two rows are the head. */
function withoutEmptyColumns(table: readonly string[][]): string[][] {
  const isUsed = (_: string, column: number) => table.slice(2).some((cells) => cells[column] !== "")
  return table.map((cells) => cells.filter(isUsed))
}

function twoNodes(folder: string): string[] {
  const runs = loadScenario(folder, "two-nodes-relay-300")?.runs
  const commands = runs && middle(runs, PALAVA_TWO, (result) => result.redisCommands)
  if (runs === undefined || commands === undefined) return []
  return [
    `Over two nodes, a relayed candidate costs both nodes together ${short(ratio(runs, PALAVA_TWO, PALAVA) ?? Number.NaN)} times what it costs inside one, at
${short(commands)} Redis commands per message (8 under way in each of 50 rooms): they travel in batches.`,
  ]
}

/** When all that is shown was measured. */
function datesOf(folder: string): string {
  const dates = ROWS.flatMap(([scenario]) => loadScenario(folder, scenario)?.origin.date ?? [])
  return `Measured ${[...new Set(dates)].sort().join(", ")}; each file of results has its machine, commit and versions.`
}

/** Half of a core is work, the other half is kept for bursts. */
const BUSY_PART = 0.5

/** People in the row on memory. */
const PEOPLE = 100_000

/** The capacity table of docs/operate.md, from the results in a folder. */
export function capacityTable(folder: string): string {
  const of = (scenario: string, name: string, what: Of) => {
    const runs = loadScenario(folder, scenario)?.runs
    return runs && middle(runs, name, what)
  }
  /** What takes CPU time: how much, and how many of it are half of a core. */
  const work = (what: string, unit: string, ...costs: readonly (number | undefined)[]) => {
    const known = costs.filter((cost) => cost !== undefined).sort((a, b) => a - b)
    if (known.length === 0) return []
    const [cheapest = 0, dearest = 0] = [known[0], known.at(-1)]
    const spans = known.length > 1
    const cost = dearest < 100 ? `${span(round(cheapest), round(dearest), spans)} µs` : `${round(dearest / 1000)} ms`
    const rate = (each: number) => round((BUSY_PART * 1e6) / each)
    return [row(what, `${cost} of CPU`, `${span(rate(dearest), rate(cheapest), spans)} ${unit}`)]
  }
  const memory = (what: string, each: number | undefined) =>
    each === undefined
      ? []
      : [row(what, `${round(each / 1000)} KB of memory`, `${round(PEOPLE)} people: ${round((each * PEOPLE) / 1e9)} GB`)]
  const commands = of("two-nodes-relay-300", PALAVA_TWO, (result) => result.redisCommands)
  const handshake = of("tls-handshake", `${PALAVA}, in full, ECDSA`, cpu)
  return [
    "| what | costs | so one node at half of its core |",
    "| --- | --- | --- |",
    ...memory("an idle connection in a room", of("idle", PALAVA, bytes)),
    ...memory("the same with TLS in the server", of("tls-idle", PALAVA, bytes)),
    ...work(
      "setting up a call of two: joins, offer, answer, 40 candidates",
      "calls a second",
      of("call-setup", PALAVA, cpu),
    ),
    ...work(
      "a message passed on: a candidate, an offer",
      "a second",
      of("relay-300", PALAVA, cpu),
      of("relay-2500", PALAVA, cpu),
    ),
    ...work("a candidate passed on with TLS in the server", "a second", of("tls-relay-300", PALAVA, cpu)),
    ...work("a visit: connect, join a room of four, leave", "a second", of("join-storm", PALAVA, cpu)),
    ...work("a TLS handshake in full, ECDSA", "a second", handshake),
    ...work(
      `a candidate to another node${commands === undefined ? "" : `: ${short(commands)} Redis commands, and both nodes together`}`,
      "a second, a quarter of a core at each",
      of("two-nodes-relay-300", PALAVA_TWO, cpu),
    ),
  ].join("\n")
}

/** Two significant digits: what another machine has in common with this one. */
function round(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString("en-US", { maximumFractionDigits: 6 })
}

function span(from: string, to: string, spans: boolean): string {
  return spans && from !== to ? `${from} to ${to}` : to
}

function row(...cells: string[]): string {
  return `|${cells.map((cell) => (cell === "" ? " " : ` ${cell} `)).join("|")}|`
}

function middle(runs: Runs, name: string, of: Of): number | undefined {
  const value = median((runs[name] ?? []).map(number(of)))
  return Number.isNaN(value) ? undefined : value
}
