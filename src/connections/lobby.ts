// Connections whose client is in no room yet. Nobody misses them: after a long time they are closed, and when places run
// out they go first, the oldest ahead. A client that wanted to join has done so by then, and any other may come back.

import type { Clock } from "../clock.ts"
import { Slices } from "../slices.ts"
import { CLOSE, type Close } from "./close.ts"
import type { ConnectionCounters } from "./counters.ts"
import { TICKS_PER_SECOND } from "./liveness.ts"

/** 5 s without a room before a connection has to make place for another: joining takes a round trip, on any line. */
const GRACE_TICKS = 5 * TICKS_PER_SECOND

/** What waits there. */
export interface Newcomer {
  readonly isClosed: boolean
  /** Whether its client is in a room. */
  readonly isMember: boolean
  part(close: Close): void
}

/** See the head of this file. */
export class Lobby {
  readonly #looks: Slices
  readonly #partings: Slices
  readonly #joinTicks: number
  readonly #counters: Pick<ConnectionCounters, "closedNeverJoined" | "closedForRoom">
  /** By age, with the tick at which they came. */
  readonly #newcomers = new Map<Newcomer, number>()

  /** @param joinSeconds after which who never joined is closed; 0 is never */
  constructor(
    joinSeconds: number,
    counters: Pick<ConnectionCounters, "closedNeverJoined" | "closedForRoom">,
    clock: Clock,
  ) {
    this.#looks = new Slices(clock)
    this.#partings = new Slices(clock)
    this.#counters = counters
    this.#joinTicks = joinSeconds * TICKS_PER_SECOND || Number.POSITIVE_INFINITY
  }

  add(newcomer: Newcomer, tick: number): void {
    this.#newcomers.set(newcomer, tick)
  }

  remove(newcomer: Newcomer): void {
    this.#newcomers.delete(newcomer)
  }

  /** Forgets those who have joined, and closes those who have not in all the time they had. */
  look(tick: number): void {
    this.#looks.each(this.#newcomers, ([newcomer, since]) => {
      if (newcomer.isClosed || newcomer.isMember) this.#newcomers.delete(newcomer)
      else if (tick - since >= this.#joinTicks) {
        this.#counters.closedNeverJoined++
        this.#close(newcomer)
      }
    })
  }

  /** Closes as many, the oldest ahead. */
  makeRoom(count: number, tick: number): void {
    let left = count
    this.#partings.each(this.#newcomers, ([newcomer, since]) => {
      if (left <= 0 || tick - since < GRACE_TICKS) return false
      if (newcomer.isClosed || newcomer.isMember) return this.#newcomers.delete(newcomer)
      left--
      this.#counters.closedForRoom++
      return this.#close(newcomer)
    })
  }

  #close(newcomer: Newcomer): void {
    this.#newcomers.delete(newcomer)
    newcomer.part(CLOSE.neverJoined)
  }
}
