// What a membership needs to be taken over by another connection: the frames that went out, how many came in, and the hash
// of the token's secret. One for each membership whose client can resume; the conversation it belongs to keeps it true.

import { type FrameBudget, FrameLog } from "./frame-log.ts"
import { fromProof, isSameHash, makeToken, type ReadToken, type TokenFor, toProof } from "./resume-token.ts"

/** What a client is told so that it can come back. */
export interface ResumeTicket {
  readonly token: string
  /** How long the membership is held. */
  readonly seconds: number
}

/** What a membership that is asked for begins with. The ticket is told and forgotten. */
export interface PreparedResumption {
  readonly resumption: Resumption
  readonly ticket: ResumeTicket
  /** Whether the membership comes from another node. */
  readonly isTakenOver: boolean
}

/** A resumption on its way to another node, or into a file. */
export interface PackedResumption {
  /** Frames taken from the client. */
  readonly received: number
  /** Frames sent to it, and the last of them. */
  readonly sent: number
  readonly frames: readonly string[]
  /** Whether the numbers say which were taken. */
  readonly isExact: boolean
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
  /** Until when it is held, monotonic milliseconds. */
  heldUntil = 0
  readonly #of: TokenFor
  readonly #seconds: number
  #hash: Buffer = Buffer.alloc(0)
  /** False once a message was refused ahead of those that wait: then no number says which were taken. */
  #isExact = true

  constructor(budget: FrameBudget, of: TokenFor, seconds: number) {
    this.log = new FrameLog(budget)
    this.#of = of
    this.#seconds = seconds
  }

  /** The next token; the one before it is worth nothing from here on. */
  nextTicket(): ResumeTicket {
    const { token, hash } = makeToken(this.#of)
    this.#hash = hash
    return { token, seconds: this.#seconds }
  }

  /** What the store keeps of the last token. */
  get proof(): string {
    return toProof(this.#hash)
  }

  /** Whether this is the last token. */
  matches({ node, room, peer, hash }: ReadToken): boolean {
    const its = this.#of
    return node === its.node && room === its.room && peer === its.peer && isSameHash(hash, this.#hash)
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

  /** As it stands, for `unpack` at another place. */
  pack(): PackedResumption {
    return { received: this.received, isExact: this.#isExact, sent: this.log.sent, frames: this.log.kept }
  }

  /** Takes the place of the one that was packed; `proof` is of its token, without it the token is this one's own. */
  unpack({ received, isExact, sent, frames }: PackedResumption, proof?: string): void {
    if (proof !== undefined) this.#hash = fromProof(proof)
    this.received = received
    this.#isExact = isExact
    this.log.refill(sent, frames)
  }

  /** Counting begins anew, in both directions. */
  restart(): void {
    this.log.clear()
    this.received = 0
    this.#isExact = true
  }
}
