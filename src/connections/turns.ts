// Lets no flood hold the event loop: what messages ask for is done in slices, and when a slice is over, the rest waits
// for the next turn of the loop, a few messages of each connection at a time. Who has little to say is not behind who has
// much. The order within a connection stays.

import type { Clock } from "../clock.ts"

/** 6 ms: with what one message may take on top, and what the turn did before the first look, it stays below 10 ms. */
const SLICE_MS = 6

/** 16 messages: a look at the clock costs next to nothing among so many, and even joins take no more than 2 ms. */
const LOOK_MESSAGES = 16

/** Who goes on in a later turn. */
export interface Waiter {
  /** Takes the next of what waits, at most TURN_MESSAGES, and asks again for the rest. */
  goOn(): void
}

/** 16 messages of one connection before the next has its turn. */
export const TURN_MESSAGES = 16

/** See the head of this file. */
export class Turns {
  readonly #clock: Clock
  /** In the order in which they go on. */
  readonly #waiters = new Set<Waiter>()
  #messages = 0
  /** When this turn was first looked at; undefined before that. */
  #since: number | undefined
  #isOver = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A message is at hand. @returns whether it has to wait for a later turn */
  isOver(): boolean {
    if (++this.#messages % LOOK_MESSAGES === 0) this.#look()
    return this.#isOver
  }

  /** Goes on in a later turn. */
  wait(waiter: Waiter): void {
    this.#waiters.add(waiter)
    if (this.#since === undefined) this.#begin()
  }

  #look(): void {
    if (this.#since === undefined) this.#begin()
    else if (this.#clock.monotonicMs() - this.#since >= SLICE_MS) this.#isOver = true
  }

  /** Timed from here on, to its end. */
  #begin(): void {
    this.#since = this.#clock.monotonicMs()
    this.#clock.soon(() => this.#onNext())
  }

  #onNext(): void {
    this.#since = undefined
    this.#isOver = false
    if (this.#waiters.size === 0) return
    this.#begin()
    // Whoever asks again is behind the others, and met again by this loop.
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter)
      waiter.goOn()
      if (this.#isOver) return
    }
  }
}
