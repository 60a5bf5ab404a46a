// The frames sent to a member that its client may not have yet, numbered from the join on. Bounded for itself and, with
// all others, for the node; what is over a bound is dropped, the oldest first, and can then not be sent again.

import type { SentLog } from "../../rooms/membership.ts"

/** 256 frames and 256 KiB, as clients keep of their own: a call set-up of ten peers between two pings, and more. */
const LOG_FRAMES = 256
const LOG_BYTES = 262_144

/** What the logs of a node may hold together, and hold. */
export interface FrameBudget {
  readonly maxBytes: number
  bytes: number
  /** Frames dropped, by whose bound. */
  droppedByMembership: number
  droppedByNode: number
}

/** See the head of this file. */
export class FrameLog implements SentLog {
  /** Number of the last frame: 0 before the first. */
  sent = 0
  readonly #budget: FrameBudget
  readonly #frames: string[] = []
  /** In UTF-8, which is never less than they take in memory. */
  readonly #sizes: number[] = []
  #bytes = 0

  constructor(budget: FrameBudget) {
    this.#budget = budget
  }

  /** A new one, whose frames count with those of this one. */
  another(): FrameLog {
    return new FrameLog(this.#budget)
  }

  /** Keeps the next frame. */
  push(text: string): void {
    const size = Buffer.byteLength(text)
    this.sent++
    this.#frames.push(text)
    this.#sizes.push(size)
    this.#bytes += size
    this.#budget.bytes += size
    while (this.#frames.length > LOG_FRAMES || this.#bytes > LOG_BYTES) {
      this.#forgetOldest()
      this.#budget.droppedByMembership++
    }
    while (this.#budget.bytes > this.#budget.maxBytes && this.#frames.length > 0) {
      this.#forgetOldest()
      this.#budget.droppedByNode++
    }
  }

  /** Whether a client can have received so many frames. */
  hasSent(received: number): boolean {
    return received <= this.sent
  }

  /** The client has the first `received` frames. */
  acknowledge(received: number): void {
    while (this.#frames.length > 0 && this.sent - this.#frames.length < received) this.#forgetOldest()
  }

  /** All frames behind the first `received`; undefined when one of them is gone, or so many were never sent. */
  after(received: number): readonly string[] | undefined {
    const missing = this.sent - received
    return missing < 0 || missing > this.#frames.length ? undefined : this.#frames.slice(this.#frames.length - missing)
  }

  /** The frames it has, oldest first; the last of them is number `sent`. */
  get kept(): readonly string[] {
    return this.#frames
  }

  /** Has what another log kept, in place of its own. */
  refill(sent: number, frames: readonly string[]): void {
    this.clear()
    this.sent = sent - frames.length
    for (const frame of frames) this.push(frame)
  }

  /** Forgets everything, its numbers too. */
  clear(): void {
    this.acknowledge(this.sent)
    this.sent = 0
  }

  #forgetOldest(): void {
    const size = this.#sizes.shift() ?? 0
    this.#frames.shift()
    this.#bytes -= size
    this.#budget.bytes -= size
  }
}
