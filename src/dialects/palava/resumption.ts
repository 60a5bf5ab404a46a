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
  /** Where counting began anew and the client may not know it: the proof of who does; see `knowsCount`. */
  readonly anewFor?: string | undefined
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
  /** Of the token that was given for the last one, as long as that may be lost on its way to the client. */
  #given: Buffer | undefined
  /** Whether counting began anew with the last token. */
  #isAnew = false
  /** False once a message was refused ahead of those that wait: then no number says which were taken. */
  #isExact = true

  constructor(budget: FrameBudget, of: TokenFor, seconds: number) {
    this.log = new FrameLog(budget)
    this.#of = of
    this.#seconds = seconds
  }

  /** The next token. The one that was given for it, by its hash, is good until the client shows that it has the next. */
  nextTicket(given?: Buffer): ResumeTicket {
    const { token, hash } = makeToken(this.#of)
    if (given !== undefined && isSameHash(given, this.#hash)) this.#isAnew = false
    this.#hash = hash
    this.#given = given
    return { token, seconds: this.#seconds }
  }

  /** What the store keeps of the tokens that are good. */
  get proof(): string {
    return [this.#hash, this.#given]
      .flatMap((hash) => hash ?? [])
      .map(toProof)
      .join(" ")
  }

  /** Whether this token is good. That which was given for the last one may name another node. */
  matches({ node, room, peer, hash }: ReadToken): boolean {
    const its = this.#of
    if (room !== its.room || peer !== its.peer) return false
    const isGiven = this.#given !== undefined && isSameHash(hash, this.#given)
    return isGiven || (node === its.node && isSameHash(hash, this.#hash))
  }

  /** Whether who gives this good token has heard where counting began. */
  knowsCount({ hash }: Pick<ReadToken, "hash">): boolean {
    return !this.#isAnew || isSameHash(hash, this.#hash)
  }

  /** Counts a frame of the client. @returns whether it shows, for the first time, that the client has the last token */
  take(): boolean {
    this.received++
    if (this.#given === undefined) return false
    this.#given = undefined
    this.#isAnew = false
    return true
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

  /** Something is lost, and no number says what. */
  giveUp(): void {
    this.#isExact = false
  }

  /** Whether the numbers say what was taken and sent. */
  get isExact(): boolean {
    return this.#isExact
  }

  /** As it stands, for `unpack` at another place. */
  pack(): PackedResumption {
    return {
      ...{ received: this.received, isExact: this.#isExact, sent: this.log.sent, frames: this.log.kept },
      anewFor: this.#isAnew ? toProof(this.#hash) : undefined,
    }
  }

  /** Takes the place of the one that was packed; `proof` is of its token, without it the token is this one's own. */
  unpack({ received, isExact, sent, frames, anewFor }: PackedResumption, proof?: string): void {
    if (proof !== undefined) {
      const [hash = "", given] = proof.split(" ")
      this.#hash = fromProof(hash)
      this.#given = given === undefined ? undefined : fromProof(given)
      this.#isAnew = anewFor !== undefined
    }
    this.received = received
    this.#isExact = isExact
    this.log.refill(sent, frames)
  }

  /** Counting begins anew, in both directions. */
  restart(): void {
    this.log.clear()
    this.received = 0
    this.#isExact = true
    this.#isAnew = true
  }
}
