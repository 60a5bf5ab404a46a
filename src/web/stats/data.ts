// From the answer of /stats to what the charts show: one column for each hour or day, rooms and stays in bands. Pure, so
// a test can look at it without a browser.

/** One hour as the server tells it. */
export interface PlainHour {
  /** ISO 8601, UTC. */
  readonly hour: string
  /** Most members a room had → rooms. */
  readonly rooms: Readonly<Record<string, number>>
  /** Whole minutes in a room → peers. */
  readonly minutes: Readonly<Record<string, number>>
}

/** A group of numbers shown as one colour. */
export interface Band {
  readonly label: string
  /** The largest number in it. */
  readonly upTo: number
}

/** Most calls are of two; what is larger is told apart roughly. */
export const ROOM_BANDS: readonly Band[] = [
  { label: "1 person", upTo: 1 },
  { label: "2", upTo: 2 },
  { label: "3–4", upTo: 4 },
  { label: "5–9", upTo: 9 },
  { label: "10 or more", upTo: Number.POSITIVE_INFINITY },
]

/** Whole minutes: 0 is under one. */
export const MINUTE_BANDS: readonly Band[] = [
  { label: "under a minute", upTo: 0 },
  { label: "1–4 min", upTo: 4 },
  { label: "5–14 min", upTo: 14 },
  { label: "15–59 min", upTo: 59 },
  { label: "an hour or more", upTo: Number.POSITIVE_INFINITY },
]

/** The time span shown. */
export interface Span {
  readonly id: string
  readonly label: string
  readonly by: "hour" | "day"
  /** Hours or days. */
  readonly count: number
}

export const SPANS: readonly [Span, ...Span[]] = [
  { id: "24h", label: "24 hours", by: "hour", count: 24 },
  { id: "7d", label: "7 days", by: "hour", count: 7 * 24 },
  { id: "30d", label: "30 days", by: "day", count: 30 },
  { id: "90d", label: "90 days", by: "day", count: 90 },
]

/** One column of every chart. */
export interface Column {
  /** Unix seconds, start of the hour or of the day where the reader is. */
  readonly start: number
  readonly rooms: number
  readonly joins: number
  /** Minutes of all stays together. */
  readonly minutes: number
  /** Most members of a room. */
  readonly largest: number
  /** Rooms by ROOM_BANDS, stays by MINUTE_BANDS. */
  readonly roomBands: readonly number[]
  readonly minuteBands: readonly number[]
}

/** Starts of a span's columns, the last one under way. */
export function startsOf({ by, count }: Span, now: Date): number[] {
  const starts: number[] = []
  for (let back = count - 1; back >= 0; back--) {
    const start = new Date(now)
    if (by === "hour") start.setTime(Math.floor(now.getTime() / 3_600_000 - back) * 3_600_000)
    else {
      start.setHours(0, 0, 0, 0)
      start.setDate(start.getDate() - back)
    }
    starts.push(Math.floor(start.getTime() / 1000))
  }
  return starts
}

/** Adds the hours up into the columns that start at `starts`. */
export function toColumns(starts: readonly number[], hours: readonly PlainHour[]): Column[] {
  const columns = starts.map((start) => ({
    start,
    rooms: 0,
    joins: 0,
    minutes: 0,
    largest: 0,
    roomBands: ROOM_BANDS.map(() => 0),
    minuteBands: MINUTE_BANDS.map(() => 0),
  }))
  let at = 0
  for (const { hour, rooms, minutes } of hours) {
    const time = Date.parse(hour) / 1000
    while (at + 1 < columns.length && (columns[at + 1]?.start ?? 0) <= time) at++
    const column = columns[at]
    if (column === undefined || time < column.start) continue
    for (const [peak, count] of Object.entries(rooms)) {
      column.rooms += count
      column.largest = Math.max(column.largest, Number(peak))
      addTo(column.roomBands, ROOM_BANDS, Number(peak), count)
    }
    for (const [stay, count] of Object.entries(minutes)) {
      column.joins += count
      column.minutes += Number(stay) * count
      addTo(column.minuteBands, MINUTE_BANDS, Number(stay), count)
    }
  }
  return columns
}

/** The sum of all columns. */
export function totalOf(columns: readonly Column[]) {
  const total = { rooms: 0, joins: 0, minutes: 0, largest: 0 }
  for (const { rooms, joins, minutes, largest } of columns) {
    total.rooms += rooms
    total.joins += joins
    total.minutes += minutes
    total.largest = Math.max(total.largest, largest)
  }
  return total
}

function addTo(sums: number[], bands: readonly Band[], value: number, count: number): void {
  const band = bands.findIndex(({ upTo }) => value <= upTo)
  sums[band] = (sums[band] ?? 0) + count
}
