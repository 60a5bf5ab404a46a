// The hours of a single node without Redis, in its memory: they end with it. Bounded, as the oldest hour goes when its
// time is over.

import {
  addCounts,
  HOUR,
  type Hour,
  type HourCounter,
  type HourCounts,
  type HourStore,
  hourOf,
  type Ledger,
} from "./hours.ts"

/** See the head of this file. */
export class MemoryHours implements HourStore, HourCounter {
  readonly counter = this
  readonly ledger: Ledger = new MemoryLedger()
  readonly #days: number
  readonly #clock: () => number
  readonly #hours = new Map<Hour, { hour: Hour; rooms: Record<string, number>; minutes: Record<string, number> }>()

  constructor(days: number, clock: () => number = Date.now) {
    this.#days = days
    this.#clock = clock
  }

  countRoom(peak: number): void {
    addCounts(this.#current().rooms, { [peak]: 1 })
  }

  countStay(ms: number): void {
    addCounts(this.#current().minutes, { [Math.max(0, Math.floor(ms / 60_000))]: 1 })
  }

  async now(): Promise<number> {
    return this.#clock()
  }

  async read(from: Hour, to: Hour): Promise<HourCounts[]> {
    return [...this.#hours.values()].filter(({ hour }) => hour >= from && hour <= to).sort((a, b) => a.hour - b.hour)
  }

  /** Nothing to do: an hour goes when a new one begins after its time. */
  async expire(): Promise<void> {}

  async close(): Promise<void> {}

  #current() {
    const hour = hourOf(this.#clock())
    let counts = this.#hours.get(hour)
    if (counts === undefined) {
      counts = { hour, rooms: {}, minutes: {} }
      this.#hours.set(hour, counts)
      for (const old of this.#hours.keys()) if (old <= hour - this.#days * 24 * HOUR) this.#hours.delete(old)
    }
    return counts
  }
}

/** The only node there is exports its own hours; what it forgets when it ends, it has no hours of any more either. */
class MemoryLedger implements Ledger {
  #last: Hour | undefined
  readonly #pending = new Map<Hour, { hour: Hour; line: string }>()

  async lock(): Promise<boolean> {
    return true
  }

  async unlock(): Promise<void> {}

  async last(): Promise<Hour | undefined> {
    return this.#last
  }

  async claim(hour: Hour, _sink: string, line: string): Promise<boolean> {
    if (this.#last !== undefined && this.#last >= hour) return false
    this.#last = hour
    if (line !== "") this.#pending.set(hour, { hour, line })
    return true
  }

  async pending(): Promise<{ hour: Hour; line: string }[]> {
    return [...this.#pending.values()]
  }

  async done(hour: Hour): Promise<void> {
    this.#pending.delete(hour)
  }
}
