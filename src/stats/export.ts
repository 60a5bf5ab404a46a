// The export of closed hours: each exactly once, by one node of the deployment, also when that node dies half-way.
//
// An hour goes through four steps: its hashes get an end, it is claimed for one sink together with its line, the line
// is written, it is done. Whoever dies between any two of them leaves either an hour that nobody has claimed, or a
// claim with the line in it, which any node with the same sink completes. Writing a line again changes nothing (sinks.ts).

import { HOUR, type Hour, type HourStore, hourOf, toPlain } from "./hours.ts"
import type { Sink } from "./sinks.ts"

/** What an export needs to know. */
export interface ExportOptions {
  readonly hours: HourStore
  /** Undefined: hours are only given their end. */
  readonly sink: Sink | undefined
  /** How long hours are kept: an older one is not exported any more, for its counts are gone. */
  readonly days: number
  /** Waits after an hour's end for what is counted late: a script that waited for Redis, a node that was slow. */
  readonly graceMs?: number
  /** How long a node that died keeps others from exporting. */
  readonly lockMs?: number
  /** Called before each step, with its name: tests die here. */
  readonly onStep?: (step: string) => void
}

/** 60 s, some ten times the longest wait for Redis. */
const GRACE_MS = 60_000

/** 30 s, three times the longest a sink may take for a line. */
const LOCK_MS = 30_000

/** 24: hours for which each start makes sure again that they have an end, after a night without any node. */
const HOURS_TO_END = 24

/** Milliseconds from `now` until the hour under way, or one that waits for its grace, counts as closed. */
export function untilClosed(now: number, graceMs = GRACE_MS): number {
  return (hourOf(now - graceMs) + HOUR) * 1000 + graceMs - now
}

/** See the head of this file. */
export class Export {
  readonly #options: ExportOptions
  readonly #graceMs: number
  readonly #lockMs: number
  #ended: Hour | undefined
  /** Hours written by this node since its start. */
  written = 0

  constructor(options: ExportOptions) {
    this.#options = options
    this.#graceMs = options.graceMs ?? GRACE_MS
    this.#lockMs = options.lockMs ?? LOCK_MS
  }

  /**
   * Exports what is closed and not yet exported.
   * @returns milliseconds after which to look again
   */
  async run(): Promise<number> {
    const { hours, sink } = this.#options
    const now = await hours.now()
    const closed = hourOf(now - this.#graceMs) - HOUR
    const nextMs = untilClosed(now, this.#graceMs)
    if (sink === undefined) {
      await this.#giveEnds(closed)
      return nextMs
    }
    const { ledger } = hours
    this.#step("lock")
    if (!(await ledger.lock(this.#lockMs))) return Math.min(nextMs, this.#lockMs)
    try {
      await this.#giveEnds(closed)
      await this.#finish(sink)
      for (let hour = await this.#first(now); hour <= closed; hour += HOUR) {
        await ledger.lock(this.#lockMs)
        await this.#export(sink, hour)
      }
    } finally {
      this.#step("unlock")
      await ledger.unlock()
    }
    return nextMs
  }

  async #export(sink: Sink, hour: Hour): Promise<void> {
    const { hours } = this.#options
    const [counts = { hour, rooms: {}, minutes: {} }] = await hours.read(hour, hour)
    const line = JSON.stringify(toPlain(counts))
    this.#step("expire")
    await hours.expire(hour)
    this.#step("claim")
    if (!(await hours.ledger.claim(hour, sink.id, line))) return
    await this.#write(sink, hour, line)
  }

  /** Completes what a node that died, or a sink that failed, has left. */
  async #finish(sink: Sink): Promise<void> {
    for (const { hour, line } of await this.#options.hours.ledger.pending(sink.id)) await this.#write(sink, hour, line)
  }

  async #write(sink: Sink, hour: Hour, line: string): Promise<void> {
    this.#step("write")
    await sink.write(hour, line)
    this.#step("done")
    await this.#options.hours.ledger.done(hour)
    this.written++
  }

  /** The first hour to export: behind the last one, or the first that has counts. */
  async #first(now: number): Promise<Hour> {
    const { hours, days } = this.#options
    const oldest = hourOf(now) - days * 24 * HOUR
    const last = await hours.ledger.last()
    if (last !== undefined) return Math.max(last + HOUR, oldest)
    const before = hourOf(now) - HOUR
    const [first] = await hours.read(oldest, before)
    if (first !== undefined) return first.hour
    await hours.ledger.claim(before, "", "")
    return before + HOUR
  }

  /** Gives every hour up to `closed` its end; again and again does no harm. */
  async #giveEnds(closed: Hour): Promise<void> {
    for (let hour = this.#ended ?? closed - HOURS_TO_END * HOUR; hour <= closed; hour += HOUR) {
      await this.#options.hours.expire(hour)
    }
    this.#ended = closed
  }

  #step(name: string): void {
    this.#options.onStep?.(name)
  }
}
