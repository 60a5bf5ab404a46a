// How many calls are under way to Redis at once, each with one command, or with the changes of a turn. When everybody of a
// lost node comes to this one, more of them in the pipeline get no answer sooner, but all of them later than a link is
// believed in. The rest wait here, first come first served, bounded in number; what they wait is not held against Redis.

import type { Clock } from "../clock.ts"

/** 32, with 1,000 changes at most: at 20,000 a second they are answered within 50 ms, and more at once would gain nothing. */
const MOST_UNDER_WAY = 32

/** 50,000 that wait, some 25 MB: more than one process has clients, and each waits with one command. */
const MOST_WAITING = 50_000

/** See the head of this file. */
export class Slots {
  readonly #clock: Clock
  #free = MOST_UNDER_WAY
  /** By age. */
  readonly #waiting: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether there is none and too many wait for one. */
  get isFull(): boolean {
    return this.#waiting.length >= MOST_WAITING
  }

  /** Takes one, to be given back; resolves when it is there, with the ms it took. @returns undefined when it is there already */
  take(): Promise<number> | undefined {
    if (this.#free === 0) return this.#wait()
    this.#free--
    return undefined
  }

  /** Gives one back, or to whoever waits longest. */
  give(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }

  async #wait(): Promise<number> {
    const since = this.#clock.monotonicMs()
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return this.#clock.monotonicMs() - since
  }
}
