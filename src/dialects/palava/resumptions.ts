// The memberships of this node that can be resumed, by peer: those whose client is connected, and those that are held for
// it. Decides who may take one over, and for how long one is held.

import type { Clock } from "../../clock.ts"
import type { Connection } from "../../connections/connection.ts"
import type { NodeId, PeerId } from "../../rooms/ids.ts"
import type { Ref } from "../../rooms/room-store.ts"
import type { Conversation } from "../conversation.ts"
import type { ResumptionCounters } from "../counters.ts"
import type { FrameBudget } from "./frame-log.ts"
import type { ReadToken, TokenFor } from "./resume-token.ts"
import { type PreparedResumption, Resumption } from "./resumption.ts"

/** 100,000 held at once: each is a member without a client, and an attack makes them faster than they lapse. */
const MAX_HELD = 100_000

/** 1 MiB in bytes. */
const MIB = 1_048_576

/** Why a membership is not taken over: the token is not that of one, or more frames are said to have come than were sent. */
export type ResumeRefusal = "resume_failed" | "invalid_message"

/** Whose membership it is. */
export interface Resumable extends Conversation {
  readonly resumption: Resumption | undefined
  /**
   * Goes on with the client that speaks on `connection` and has the first `received` frames, or does not know the count; a
   * promise keeps its next messages waiting.
   * @param given the hash of its token
   */
  resumeOn(connection: Connection, received: number | undefined, given: Buffer, ref: Ref): void | Promise<void>
  leave(): Promise<void> | undefined
}

/** What resumptions work with. */
export interface ResumptionsParts {
  readonly node: NodeId
  readonly clock: Clock
  /** How long a membership is held; 0 is not at all. */
  readonly seconds: number
  /** What all logs together may hold, in MiB. */
  readonly memoryMb: number
  /** Counted with the rest: memberships on their way to or from other nodes. */
  readonly moving: () => number
  /** Told of a bug. */
  readonly onBug: (cause: unknown) => void
}

/** See the head of this file. */
export class Resumptions {
  readonly counters: ResumptionCounters
  readonly node: NodeId
  readonly #parts: ResumptionsParts
  readonly #budget: FrameBudget
  readonly #byPeer = new Map<PeerId, Resumable>()
  #held = 0

  constructor(parts: ResumptionsParts) {
    this.#parts = parts
    this.node = parts.node
    const budget = { maxBytes: parts.memoryMb * MIB, bytes: 0, droppedByMembership: 0, droppedByNode: 0 }
    this.#budget = budget
    const heldNow = (): number => this.#held
    this.counters = {
      complete: 0,
      incomplete: 0,
      failed: 0,
      expired: 0,
      handOvers: { complete: 0, incomplete: 0, silent: 0, late: 0, unknown: 0 },
      get held() {
        return heldNow()
      },
      get moving() {
        return parts.moving()
      },
      get keptBytes() {
        return budget.bytes
      },
      get framesDropped() {
        return { membership: budget.droppedByMembership, node: budget.droppedByNode }
      },
    }
  }

  /** Those that are held now. */
  get held(): readonly Resumable[] {
    return [...this.#byPeer.values()].filter(({ resumption }) => resumption?.endHold !== undefined)
  }

  /** The one of this peer. */
  get(peer: PeerId): Resumable | undefined {
    return this.#byPeer.get(peer)
  }

  /**
   * For a membership that is asked for, whose client can resume; undefined when this node holds none.
   * @param given the hash of the token with which it is taken over from another node
   */
  prepare(of: Omit<TokenFor, "node">, given?: Buffer): PreparedResumption | undefined {
    const { seconds, node } = this.#parts
    if (seconds === 0) return undefined
    const resumption = new Resumption(this.#budget, { node, ...of }, seconds)
    return { resumption, ticket: resumption.nextTicket(given) }
  }

  /** It has begun. */
  open(of: Resumable): void {
    this.#byPeer.set(of.peer, of)
  }

  /** The membership has ended here. What its log keeps is for the caller to clear. */
  close(of: Resumable, resumption: Resumption): void {
    this.#endHold(resumption)
    if (this.#byPeer.get(of.peer) === of) this.#byPeer.delete(of.peer)
  }

  /**
   * The connection broke, and its client may come back for so many milliseconds.
   * @returns false when the membership cannot be held
   */
  hold(of: Resumable, ms = this.#parts.seconds * 1000): boolean {
    const { membership, resumption } = of
    if (resumption === undefined || membership?.isIn !== true || this.#held >= MAX_HELD) return false
    const { clock, onBug } = this.#parts
    resumption.heldUntil = clock.monotonicMs() + ms
    const cancel = clock.after(ms, () => {
      this.counters.expired++
      of.leave()?.catch(onBug)
    })
    this.#held++
    resumption.endHold = () => {
      cancel()
      this.#held--
    }
    return true
  }

  /**
   * A client that speaks on `connection` wants to take a membership of this node over, and has received so many frames of it.
   * @returns the error to answer with; a promise keeps the client's next messages waiting
   */
  resume(
    connection: Connection,
    token: ReadToken,
    received: number,
    ref: Ref,
  ): ResumeRefusal | Promise<void> | undefined {
    const of = this.#byPeer.get(token.peer)
    const { membership, resumption } = of ?? {}
    if (of === undefined || resumption?.matches(token) !== true || membership?.isIn !== true) return "resume_failed"
    const knowsCount = resumption.knowsCount(token)
    if (knowsCount && !resumption.log.hasSent(received)) return "invalid_message"
    this.#endHold(resumption)
    return of.resumeOn(connection, knowsCount ? received : undefined, token.hash, ref) ?? undefined
  }

  #endHold(resumption: Resumption): void {
    resumption.endHold?.()
    resumption.endHold = undefined
  }
}
