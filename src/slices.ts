// Long work in slices: what looks at all connections, or ends many, lets others have their turn in between.

import type { Clock } from "./clock.ts"

/** 6 ms of one turn of the event loop: with what else the turn has to do, it stays below 10 ms. */
export const SLICE_MS = 6

/** 8 calls between looks at the clock: the slowest, the end of a connection, takes some 50 µs. */
const LOOK_CALLS = 8

/** One such work: it is not begun again before it is done. */
export class Slices {
  readonly #clock: Clock
  #isUnderWay = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `call` for each item, also for those that come meanwhile, in as many turns as it takes; `false` ends it. */
  each<T>(items: Iterable<T>, call: (item: T) => unknown, onDone?: () => void): void {
    if (this.#isUnderWay) return
    this.#isUnderWay = true
    const iterator = items[Symbol.iterator]()
    const goOn = (): void => {
      const since = this.#clock.monotonicMs()
      for (let calls = 1; ; calls++) {
        const { value, done } = iterator.next()
        if (done === true || call(value) === false) break
        if (calls % LOOK_CALLS > 0 || this.#clock.monotonicMs() - since < SLICE_MS) continue
        this.#clock.soon(goOn)
        return
      }
      this.#isUnderWay = false
      onDone?.()
    }
    goOn()
  }
}
