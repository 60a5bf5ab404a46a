// How the server was used, hour by hour, without anybody's name: rooms by their peak size, stays by whole minutes. A
// room counts in the hour it closed, a stay in the hour it ended. Here is what an hour is and where hours are kept;
// memory-hours.ts and redis-hours.ts keep them.

/** The start of an hour (UTC), unix seconds. */
export type Hour = number

/** Seconds of an hour. */
export const HOUR = 3600

/** What was counted in one hour. Keys are numbers as text, because that is what JSON and Redis have. */
export interface HourCounts {
  readonly hour: Hour
  /** Most members a room had → rooms. */
  readonly rooms: Readonly<Record<string, number>>
  /** Whole minutes in a room → peers. */
  readonly minutes: Readonly<Record<string, number>>
}

/** Counts what happens at this process. */
export interface HourCounter {
  /** A room closed that had `peak` members at most. */
  countRoom(peak: number): void
  /** A peer left a room after `ms` milliseconds. */
  countStay(ms: number): void
}

/** Where hours are kept. Methods reject when the backend is away. */
export interface HourStore {
  /** The clock by which hours are counted, unix milliseconds. */
  now(): Promise<number>
  /** The hours from `from` up to and with `to` in which something was counted, oldest first. */
  read(from: Hour, to: Hour): Promise<HourCounts[]>
  /** The hour is closed: it may go when its time is over. */
  expire(hour: Hour): Promise<void>
  readonly ledger: Ledger
  /** What this process has to tell of; undefined where the store of the rooms counts by itself. */
  readonly counter: HourCounter | undefined
  close(): Promise<void>
}

/**
 * What is known of the export of closed hours, shared by all nodes. An hour is claimed for one sink in one atomic step
 * that also fixes its line, so it never belongs to two; it stays pending until the line is known to be written.
 */
export interface Ledger {
  /** The right to export, for `ms` milliseconds unless taken again; false while another node has it. */
  lock(ms: number): Promise<boolean>
  unlock(): Promise<void>
  /** The last hour claimed; undefined before the first. */
  last(): Promise<Hour | undefined>
  /** Claims `hour` and all before it; false when it, or a later one, is claimed already. Without a line nothing is pending. */
  claim(hour: Hour, sink: string, line: string): Promise<boolean>
  /** Claimed for `sink` and not yet done, oldest first. */
  pending(sink: string): Promise<{ readonly hour: Hour; readonly line: string }[]>
  /** The line is written. */
  done(hour: Hour): Promise<void>
}

/** The hour a time (unix milliseconds) lies in. */
export function hourOf(ms: number): Hour {
  return Math.floor(ms / 1000 / HOUR) * HOUR
}

/** `2026-11-23T02:00:00Z` */
export function toIso(hour: Hour): string {
  return `${new Date(hour * 1000).toISOString().slice(0, 19)}Z`
}

/** One hour as it is exported and answered: keys in the order of their numbers, so equal counts make equal text. */
export function toPlain({ hour, rooms, minutes }: HourCounts) {
  return { hour: toIso(hour), rooms: sorted(rooms), minutes: sorted(minutes) }
}

/** Adds `more` to `counts`, key by key. */
export function addCounts(counts: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [key, count] of Object.entries(more)) counts[key] = (counts[key] ?? 0) + count
}

/** Integer keys are always in ascending order in an object. */
function sorted(counts: Readonly<Record<string, number>>): Record<string, number> {
  return { ...counts }
}
