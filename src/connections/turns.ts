// Lets no flood hold the event loop: what messages ask for is done in slices, and when a slice is over, the rest waits
// for the next turn of the loop, a few messages of each connection at a time. Who has little to say is not behind who has
// much: those that nothing was taken of since they wait are ahead of all others. The order within a connection stays.

import type { Clock } from "../clock.ts"
import { SLICE_MS } from "../slices.ts"

/** 3 ms, half of it: so long nobody asks when the turn ends, as the answer costs the loop one more round without rest. */
const UNWATCHED_MS = 3

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
  /** Of those that were watched, how many there were. */
  number = 0
  readonly #clock: Clock
  /** Those that have just come, and those of which some was taken; each in the order in which they go on. */
  readonly #newcomers = new Set<Waiter>()
  readonly #waiters = new Set<Waiter>()
  #messages = 0
  /** When this slice began, at the latest. */
  #since = 0
  /** Whether the end of this turn will be told. */
  #isWatched = false
  #isOver = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A message is at hand. @returns whether it has to wait for a later turn */
  isOver(): boolean {
    if (++this.#messages % LOOK_MESSAGES === 0) this.#look()
    return this.#isOver
  }

  /** Goes on in a later turn; `isNew` when nothing of what waits was taken yet. */
  wait(waiter: Waiter, isNew: boolean): void {
    if (isNew) this.#newcomers.add(waiter)
    else this.#waiters.add(waiter)
    if (!this.#isWatched) this.#watch(this.#clock.monotonicMs())
  }

  /** Makes a call in a later turn. @returns what it gives or throws */
  take<T>(call: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const goOn = (): void => {
        this.isOver()
        try {
          resolve(call())
        } catch (cause) {
          reject(cause)
        }
      }
      this.wait({ goOn }, true)
    })
  }

  /** Unwatched, the time since may be that of several turns, so it is not over yet. */
  #look(): void {
    const now = this.#clock.monotonicMs()
    if (this.#isWatched) this.#isOver ||= now - this.#since >= SLICE_MS
    else if (now - this.#since >= UNWATCHED_MS) this.#watch(now - UNWATCHED_MS)
  }

  #watch(since: number): void {
    this.number++
    this.#since = since
    this.#isWatched = true
    this.#clock.soon(this.#onNext)
  }

  readonly #onNext = (): void => {
    this.#isWatched = this.#isOver = false
    this.#since = this.#clock.monotonicMs()
    if (this.#newcomers.size + this.#waiters.size === 0) return
    this.#watch(this.#since)
    this.#goOn(this.#newcomers)
    this.#goOn(this.#waiters)
  }

  /** Until the turn is over; whoever asks again is behind the others. */
  #goOn(waiters: Set<Waiter>): void {
    for (const waiter of waiters) {
      if (this.#isOver) return
      waiters.delete(waiter)
      waiter.goOn()
    }
  }
}
