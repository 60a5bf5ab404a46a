// Hours as people and programs read them: JSON, CSV, and a table with bars for the terminal.

import { addCounts, HOUR, type Hour, type HourCounts, toIso, toPlain } from "./hours.ts"

/** By what a table adds up. */
export type Step = "hour" | "day"

/** The answer of `GET /stats`; `more` stands before the hours. */
export function toJson(from: Hour, to: Hour, hours: readonly HourCounts[], more: object = {}): string {
  return JSON.stringify({ from: toIso(from), to: toIso(to), ...more, hours: hours.map(toPlain) })
}

/** The hours in an answer of `GET /stats`. */
export function fromJson(text: string): HourCounts[] {
  const { hours } = JSON.parse(text) as { hours: { hour: string; rooms: object; minutes: object }[] }
  return hours.map(({ hour, rooms, minutes }) => ({
    hour: Date.parse(hour) / 1000,
    rooms: rooms as HourCounts["rooms"],
    minutes: minutes as HourCounts["minutes"],
  }))
}

/** One line for each number: `hour,measure,value,count`; RFC 4180. */
export function toCsv(hours: readonly HourCounts[]): string {
  const lines = hours.flatMap((counts) => {
    const { hour, rooms, minutes } = toPlain(counts)
    const rows = (measure: string, values: Record<string, number>) =>
      Object.entries(values).map(([value, count]) => `${hour},${measure},${value},${count}`)
    return [...rows("room_peak", rooms), ...rows("minutes", minutes)]
  })
  return ["hour,measure,value,count", ...lines, ""].join("\r\n")
}

/** A row of the table. */
export interface Row {
  /** Start of the hour or day (UTC). */
  readonly start: Hour
  readonly rooms: number
  /** Most members a room had. */
  readonly largest: number
  readonly joins: number
  /** Mean of whole minutes in a room. */
  readonly minutes: number
}

/** The hours added up, one row for each step from the first to the last with counts. */
export function toRows(hours: readonly HourCounts[], step: Step): Row[] {
  const seconds = step === "hour" ? HOUR : 24 * HOUR
  const sums = new Map<Hour, { rooms: Record<string, number>; minutes: Record<string, number> }>()
  for (const { hour, rooms, minutes } of hours) {
    const start = hour - (hour % seconds)
    const sum = sums.get(start) ?? { rooms: {}, minutes: {} }
    addCounts(sum.rooms, rooms)
    addCounts(sum.minutes, minutes)
    sums.set(start, sum)
  }
  const starts = [...sums.keys()].sort((a, b) => a - b)
  const [first, last] = [starts[0], starts.at(-1)]
  if (first === undefined || last === undefined) return []
  const rows: Row[] = []
  for (let start = first; start <= last; start += seconds) {
    rows.push(toRow(start, sums.get(start) ?? { rooms: {}, minutes: {} }))
  }
  return rows
}

/** Blocks from an eighth to a whole. */
const BLOCKS = " ▏▎▍▌▋▊▉█"

/** 60 characters: longer bars are no easier to compare. */
const LONGEST_BAR = 60

/** The table with a bar for the joins of each row, not wider than `columns`. */
export function toTable(rows: readonly Row[], step: Step, columns: number): string {
  const head = [step === "hour" ? "hour (UTC)" : "day (UTC)", "rooms", "largest", "minutes", "joins"]
  const cells = rows.map(({ start, rooms, largest, minutes, joins }) => [
    step === "hour" ? toIso(start).slice(0, 16).replace("T", " ") : toIso(start).slice(0, 10),
    ...[rooms, largest, minutes.toFixed(1), joins].map(String),
  ])
  const widths = head.map((name, at) => Math.max(name.length, ...cells.map((row) => (row[at] ?? "").length)))
  const lineOf = (row: readonly string[]) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  ")
  const taken = widths.reduce((sum, width) => sum + width + 2, 0)
  const longest = Math.max(1, Math.min(LONGEST_BAR, columns - taken - 1))
  const most = Math.max(1, ...rows.map(({ joins }) => joins))
  const lines = rows.map(({ joins }, at) => `${lineOf(cells[at] ?? [])}  ${barOf(joins / most, longest)}`.trimEnd())
  const total = rows.reduce((sum, row) => sum + row.joins, 0)
  const rooms = rows.reduce((sum, row) => sum + row.rooms, 0)
  return [
    lineOf(head),
    ...lines,
    "",
    `${total} ${total === 1 ? "join" : "joins"} in ${rooms} ${rooms === 1 ? "room" : "rooms"}`,
  ].join("\n")
}

function barOf(share: number, longest: number): string {
  const eighths = Math.round(share * longest * 8)
  const rest = eighths % 8 === 0 ? "" : (BLOCKS[eighths % 8] ?? "")
  return "█".repeat(Math.floor(eighths / 8)) + rest
}

function toRow(
  start: Hour,
  { rooms, minutes }: { rooms: Record<string, number>; minutes: Record<string, number> },
): Row {
  const joins = sumOf(minutes)
  const spent = Object.entries(minutes).reduce((sum, [value, count]) => sum + Number(value) * count, 0)
  return {
    start,
    rooms: sumOf(rooms),
    largest: Math.max(0, ...Object.keys(rooms).map(Number)),
    joins,
    minutes: joins === 0 ? 0 : spent / joins,
  }
}

function sumOf(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
