// What a membership needs to be taken over by another connection: the frames that went out, how many came in, and the hash
// of the token's secret. One for each membership whose client can resume; the conversation it belongs to keeps it true.

import type { Membership } from "../../rooms/membership.ts"
import { type FrameBudget, FrameLog } from "./frame-log.ts"
import { isSameHash, makeToken, type TokenFor } from "./resume-token.ts"

/** What a client is told so that it can come back. */
export interface ResumeTicket {
  readonly token: string
  /** How long the membership is held. */
  readonly seconds: number
}

/** See the head of this file. */
export class Resumption {
  readonly log: FrameLog
  /** Frames taken from the client since the join: `join_room` itself is the first. */
  received = 1
  /** The last message, while it waits: the next one, on whichever connection it comes, is taken behind it. */
  pending: Promise<void> | undefined
  /** Ends the time for which it is held; undefined while its connection is open. */
  endHold: (() => void) | undefined
  readonly #seconds: number
  #hash: Buffer = Buffer.alloc(0)
  /** False once a message was refused ahead of those that wait: then no number says which were taken. */
  #isExact = true

  constructor(budget: FrameBudget, seconds: number) {
    this.log = new FrameLog(budget)
    this.#seconds = seconds
  }

  /** The next token; the one before it is worth nothing from here on. */
  nextTicket({ room, peer }: Membership, node: TokenFor["node"]): ResumeTicket {
    const { token, hash } = makeToken({ node, room: room.key, peer })
    this.#hash = hash
    return { token, seconds: this.#seconds }
  }

  /** Whether this is the hash of the last token. */
  matches(hash: Buffer): boolean {
    return hash.length === this.#hash.length && isSameHash(hash, this.#hash)
  }

  /** A message was refused; `isAhead` of others that came before it and still wait. */
  countRefused(isAhead: boolean): void {
    this.received++
    if (isAhead) this.#isExact = false
  }

  /** What the client, which has the first `received` frames, still has to get; undefined when something is lost. */
  missing(received: number): readonly string[] | undefined {
    const frames = this.#isExact ? this.log.after(received) : undefined
    if (frames !== undefined) this.log.acknowledge(received)
    return frames
  }

  /** Counting begins anew, in both directions. */
  restart(): void {
    this.log.clear()
    this.received = 0
    this.#isExact = true
  }
}
