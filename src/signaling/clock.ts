// A coarse clock: one timer for all sessions, so none needs a timer or a look at the time for each message. On its
// ticks it finds connections that have fallen silent: Bun's idleTimeout does not reap a client that is being sent to.

import { CLOSE } from "../connections/close.ts"
import type { Counters } from "./counters.ts"
import type { Session } from "./session.ts"

/** 250 ms: fine enough for a rate limit, too coarse to cost anything. */
const TICK_MS = 250

/** 20 ticks, 5 s: how often silent connections are looked for; 100,000 sessions take a few milliseconds. */
const LOOK_TICKS = 20

/** When a silent connection is pinged, and when it is given up. */
export interface Liveness {
  /** Seconds of silence before a ping. */
  readonly pingSeconds: number
  /** Seconds of silence before the connection is closed; more than pingSeconds. */
  readonly deadSeconds: number
}

/** See the head of this file. */
export class Clock {
  /** Ticks since start. */
  tick = 0
  readonly ticksPerSecond = 1000 / TICK_MS
  #timer: Timer | undefined

  /** Begins to tick and to watch over `sessions`. */
  start(sessions: ReadonlyMap<unknown, Session>, liveness: Liveness, counters: Counters): void {
    const startedAt = performance.now()
    let nextLook = LOOK_TICKS
    this.#timer = setInterval(() => {
      this.tick = Math.floor((performance.now() - startedAt) / TICK_MS)
      if (this.tick < nextLook) return
      // A stopped process (SIGSTOP, a sleeping laptop) must not take its own sleep for everybody's silence.
      const slept = this.tick - nextLook
      nextLook = this.tick + LOOK_TICKS
      if (slept > LOOK_TICKS) for (const session of sessions.values()) session.heardAt += slept
      this.#look(sessions, liveness, counters)
    }, TICK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Calls `call` once, `ms` milliseconds from now, unless the returned function is called before. */
  after(ms: number, call: () => void): () => void {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  }

  #look(sessions: ReadonlyMap<unknown, Session>, { pingSeconds, deadSeconds }: Liveness, counters: Counters): void {
    const pingBefore = this.tick - (pingSeconds * this.ticksPerSecond - LOOK_TICKS)
    const deadBefore = this.tick - deadSeconds * this.ticksPerSecond
    for (const session of sessions.values()) {
      if (session.heardAt > pingBefore) continue
      if (session.heardAt > deadBefore) {
        session.socket?.ping()
        continue
      }
      counters.closedSilent++
      const { socket } = session
      session.onClose()
      socket?.close(CLOSE.silent.code, CLOSE.silent.reason)
    }
  }
}
