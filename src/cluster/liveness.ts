// Whether a link to Redis lives, told by our own clock: a connection that is not made, a command that is not answered,
// or a heartbeat that does not come back on the own channel within the answer deadline means that it is dead. TCP would
// take minutes to say so, and a half-open subscriber would never.

import type { Clock } from "../clock.ts"

// Checks per answer deadline: what is lost is noticed at most a third of it late.
const CHECKS_PER_DEADLINE = 3

/** Watches over one link. */
export class Liveness {
  readonly #clock: Clock
  readonly #answerMs: number
  readonly #onDead: (reason: string) => void
  #inFlight = 0
  /** When the last answer came, or the first command after a silence was sent. */
  #progressAt = 0
  #checkedAt = 0
  /** Heartbeats on their way: channel → when sent. */
  readonly #beats = new Map<string, number>()
  #stopTimer: () => void

  /** Begins with the deadline for connecting. */
  constructor(clock: Clock, answerMs: number, onDead: (reason: string) => void) {
    this.#clock = clock
    this.#answerMs = answerMs
    this.#onDead = onDead
    this.#stopTimer = clock.after(answerMs, () => onDead("no answer while connecting"))
  }

  /** It is connected: from here on commands and heartbeats are watched. */
  connected(): void {
    this.#stopTimer()
    this.#checkedAt = this.#clock.monotonicMs()
    this.#checkLater()
  }

  /** A command goes out. @returns when */
  sent(): number {
    const now = this.#clock.monotonicMs()
    if (this.#inFlight++ === 0) this.#progressAt = now
    return now
  }

  /** A command was answered, or failed. @returns when */
  answered(): number {
    this.#inFlight--
    this.#progressAt = this.#clock.monotonicMs()
    return this.#progressAt
  }

  /** A heartbeat for `channel` goes out: false when one is on its way, and it need not. */
  beatSent(channel: string): boolean {
    if (this.#beats.has(channel)) return false
    this.#beats.set(channel, this.#clock.monotonicMs())
    return true
  }

  /** The heartbeat of `channel` has come back. */
  beatHeard(channel: string): void {
    this.#beats.delete(channel)
  }

  /** The link is lost: nothing is told any more. */
  stop(): void {
    this.#stopTimer()
  }

  #checkLater(): void {
    this.#stopTimer = this.#clock.after(this.#answerMs / CHECKS_PER_DEADLINE, () => {
      this.#checkLater()
      this.#check()
    })
  }

  /** Looks for what is overdue. When we ourselves were late, the answers may be here and only not read yet. */
  #check(): void {
    const now = this.#clock.monotonicMs()
    const wasLate = now - this.#checkedAt > (2 * this.#answerMs) / CHECKS_PER_DEADLINE
    this.#checkedAt = now
    if (wasLate) {
      this.#progressAt = now
      for (const channel of this.#beats.keys()) this.#beats.set(channel, now)
      return
    }
    if (this.#inFlight > 0 && now - this.#progressAt > this.#answerMs) this.#onDead("a command was not answered")
    const isOverdue = [...this.#beats.values()].some((sentAt) => now - sentAt > this.#answerMs)
    if (isOverdue) this.#onDead("a heartbeat did not come back")
  }
}
