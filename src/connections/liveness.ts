// Finds connections that have fallen silent: Bun's idleTimeout does not reap a client that is being sent to. One coarse
// clock for all connections, so that none needs a timer or a look at the time for each message.

import type { Clock } from "../clock.ts"
import { Slices } from "../slices.ts"
import { CLOSE, type Close } from "./close.ts"
import type { ConnectionCounters } from "./counters.ts"

/** 250 ms: fine enough for a rate limit, too coarse to cost anything. */
const TICK_MS = 250

/** Ticks of a second. */
export const TICKS_PER_SECOND = 1000 / TICK_MS

/** 20 ticks, 5 s: how often silent connections are looked for; 100,000 take a few milliseconds, and a ping 20 µs. */
const LOOK_TICKS = 20

/** When a silent connection is pinged, and when it is given up. */
export interface LivenessLimits {
  /** Seconds of silence before a ping. */
  readonly pingSeconds: number
  /** Seconds of silence before the connection is closed; more than pingSeconds. */
  readonly deadSeconds: number
}

/** What else is looked after by the same clock. */
export interface Looks {
  /** Every tick. */
  onTick(): void
  /** As often as silent connections are looked for, ahead of that. */
  onLook(): void
}

/** What it looks at. */
export interface Watched {
  /** Tick of the last sign of life. */
  heardAt: number
  readonly socket: { ping(): void } | undefined
  /** Ends it, with all that it has not read. */
  drop(close: Close): void
}

/** See the head of this file. */
export class Liveness {
  /** Ticks since start. */
  tick = 0
  readonly #clock: Clock
  readonly #slices: Slices
  #cancel: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#slices = new Slices(clock)
  }

  /** Begins to tick and to watch over `connections`. */
  start(
    connections: ReadonlyMap<unknown, Watched>,
    limits: LivenessLimits,
    counters: Pick<ConnectionCounters, "closedSilent">,
    looks?: Looks,
  ): void {
    const startedAt = this.#clock.monotonicMs()
    let nextLook = LOOK_TICKS
    const onTick = (): void => {
      this.#cancel = this.#clock.after(TICK_MS, onTick)
      this.tick = Math.floor((this.#clock.monotonicMs() - startedAt) / TICK_MS)
      looks?.onTick()
      if (this.tick < nextLook) return
      // A stopped process (SIGSTOP, a sleeping laptop) must not take its own sleep for everybody's silence.
      const slept = this.tick - nextLook
      nextLook = this.tick + LOOK_TICKS
      if (slept > LOOK_TICKS) for (const connection of connections.values()) connection.heardAt += slept
      looks?.onLook()
      this.#look(connections, limits, counters)
    }
    this.#cancel = this.#clock.after(TICK_MS, onTick)
  }

  stop(): void {
    this.#cancel?.()
  }

  #look(
    connections: ReadonlyMap<unknown, Watched>,
    { pingSeconds, deadSeconds }: LivenessLimits,
    counters: Pick<ConnectionCounters, "closedSilent">,
  ): void {
    const pingBefore = this.tick - (pingSeconds * TICKS_PER_SECOND - LOOK_TICKS)
    const deadBefore = this.tick - deadSeconds * TICKS_PER_SECOND
    this.#slices.each(connections.values(), (connection) => {
      if (connection.heardAt > pingBefore) return
      if (connection.heardAt > deadBefore) {
        connection.socket?.ping()
        return
      }
      counters.closedSilent++
      connection.drop(CLOSE.silent)
    })
  }
}
