// Lets no flood hold the event loop: what messages ask for is done in slices, and when a slice is over, the rest waits
// for the next turn of the loop, a few messages of each connection at a time. Who has little to say is not behind who has
// much: those that nothing was taken of since they wait are ahead of all others, and each place has its turn, however many
// wait of another one. The order within a connection stays.

import type { Clock } from "../clock.ts"
import { SLICE_MS } from "../slices.ts"

/** 3 ms, half of it: so long nobody asks when the turn ends, as the answer costs the loop one more round without rest. */
const UNWATCHED_MS = 3

/** 16 messages: a look at the clock costs next to nothing among so many, and even joins take no more than 2 ms. */
const LOOK_MESSAGES = 16

/**
 * 1 of those that have just come whose message waits for something, and 1 of the others, before the next turn; up to 64 of
 * each, twice as many as long as turns stay short. Where a store is in memory, its work is done behind this turn's other
 * work, when nobody looks at the clock, and a join to a full room takes 3 ms; where it is Redis, it is some 30 µs.
 */
const LEAST_PENDING = 1
const MOST_PENDING = 64

/** Who goes on in a later turn. */
export interface Waiter {
  /** Where its client is. */
  readonly place: object
  /** Takes the next of what waits, at most TURN_MESSAGES, and asks again for the rest. @returns whether a message waits now */
  goOn(): boolean
}

/** 16 messages of one connection before the next has its turn. */
export const TURN_MESSAGES = 16

/** Those who wait, of each place one after the other. */
class Line {
  readonly #byPlace = new Map<object, Set<Waiter>>()

  get isEmpty(): boolean {
    return this.#byPlace.size === 0
  }

  add(waiter: Waiter): void {
    const ofPlace = this.#byPlace.get(waiter.place)
    if (ofPlace === undefined) this.#byPlace.set(waiter.place, new Set([waiter]))
    else ofPlace.add(waiter)
  }

  /** Takes the next; its place is behind all others then. */
  shift(): Waiter | undefined {
    for (const [place, waiters] of this.#byPlace) {
      this.#byPlace.delete(place)
      for (const waiter of waiters) {
        waiters.delete(waiter)
        if (waiters.size > 0) this.#byPlace.set(place, waiters)
        return waiter
      }
    }
    return undefined
  }
}

/** See the head of this file. */
export class Turns {
  /** Of those that were watched, how many there were. */
  number = 0
  readonly #clock: Clock
  /** Those that have just come, and those of which some was taken; each in the order in which they go on. */
  readonly #newcomers = new Line()
  readonly #waiters = new Line()
  #messages = 0
  /** When this slice began, at the latest. */
  #since = 0
  /** Whether the end of this turn will be told. */
  #isWatched = false
  #isOver = false
  #pendingInTurn = LEAST_PENDING

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A message is at hand. @returns whether it has to wait for a later turn */
  isOver(): boolean {
    if (++this.#messages % LOOK_MESSAGES === 0) this.look()
    return this.#isOver
  }

  /** Goes on in a later turn; `isNew` when nothing of what waits was taken yet. */
  wait(waiter: Waiter, isNew: boolean): void {
    if (isNew) this.#newcomers.add(waiter)
    else this.#waiters.add(waiter)
    if (!this.#isWatched) this.#watch(this.#clock.monotonicMs())
  }

  /** Makes a call of somebody at this place in a later turn. @returns what it gives or throws */
  take<T>(place: object, call: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const goOn = (): boolean => {
        this.isOver()
        try {
          resolve(call())
        } catch (cause) {
          reject(cause)
        }
        return false
      }
      this.wait({ place, goOn }, true)
    })
  }

  /** Something was begun that may take long. Unwatched, the time since may be that of several turns, so it is not over yet. */
  look(): void {
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
    const now = this.#clock.monotonicMs()
    const isShort = now - this.#since < SLICE_MS
    this.#pendingInTurn = isShort ? Math.min(this.#pendingInTurn * 2, MOST_PENDING) : LEAST_PENDING
    this.#isWatched = this.#isOver = false
    this.#since = now
    if (this.#newcomers.isEmpty && this.#waiters.isEmpty) return
    this.#watch(now)
    this.#goOn(this.#newcomers)
    this.#goOn(this.#waiters)
  }

  /** Until the turn is over; whoever asks again is behind the others. */
  #goOn(line: Line): void {
    for (let pending = 0; !this.#isOver && pending < this.#pendingInTurn; ) {
      const waiter = line.shift()
      if (waiter === undefined) return
      if (waiter.goOn()) pending++
    }
  }
}
