// The part of a logger the core needs, and how to write of what keeps happening without filling a disk.

import type { Clock } from "./clock.ts"

/** Log lines: fields for machines, a message for people. */
export interface Log {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
}

/** One minute: soon enough for whoever watches, and a day of it is a page or two. */
const QUIET_MS = 60_000

/** What keeps happening: told at once, then at most every minute, with how often it happened since. */
export class Seldom<T> {
  readonly #clock: Clock
  readonly #tell: (latest: T, times: number) => void
  #latest: T | undefined
  /** Since it was last told. */
  #times = 0
  /** Ends the quiet minute; undefined when there is none. */
  #stop: (() => void) | undefined

  /** @param tell writes a line about the latest of so many times */
  constructor(clock: Clock, tell: (latest: T, times: number) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** It happened. */
  add(latest: T): void {
    this.#latest = latest
    this.#times++
    if (this.#stop === undefined) this.#tellNow()
  }

  /** How often it happened without being told, which is not told any more. */
  take(): number {
    const times = this.#times
    this.#times = 0
    return times
  }

  /** What was not told is forgotten, and the next is told at once. */
  reset(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#times = 0
  }

  #tellNow(): void {
    const times = this.take()
    this.#stop = this.#clock.after(QUIET_MS, () => {
      this.#stop = undefined
      if (this.#times > 0) this.#tellNow()
    })
    this.#tell(this.#latest as T, times)
  }
}
