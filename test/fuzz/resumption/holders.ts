// Who holds each membership, as the nodes say it to whomever: a token works once, and once a membership has gone on over
// another connection, the one before is told nothing more of it.

import type { SimulatedNode } from "../simulated-node.ts"
import { KNOWN_MS } from "./stays.ts"
import type { Wire } from "./wire.ts"

/** 120 ms: by then Redis has been told that a token was used: it is told behind the answer, in two commands at most. */
const PROOF_MS = 120

/** A membership begins on a wire, or goes on there. */
export interface Begun {
  readonly peer: string
  /** With which it was asked for. */
  readonly request: string | undefined
  /** Where it was before. */
  readonly before: Wire | undefined
}

/** What they are judged in. */
export interface HoldersWorld {
  readonly time: { readonly now: number }
  readonly isDisturbed: boolean
  /** Whether more is sent at once than logs keep. */
  readonly hasFloods: boolean
  /** Whether nodes are stopped and killed. */
  readonly hasEnds: boolean
  report(what: string): void
}

/** Where a membership went on. */
interface Past {
  readonly from: number
  readonly to: Wire
  /** Two nodes were asked with one token at once, and both said yes: one of them is about to hear that it came second. */
  readonly isContested: boolean
}

/** See the head of this file. */
export class Holders {
  resumed = 0
  complete = 0
  readonly #world: HoldersWorld
  readonly #byPeer = new Map<string, Wire>()
  /** Tokens, and where each was last used. */
  readonly #used = new Map<string, Wire>()
  /** Tokens with which counting began anew: whoever comes with one again has not heard of it, and has lost the same. */
  readonly #anew = new Set<string>()
  /** Where each token was given. */
  readonly #asked = new Map<string, Set<SimulatedNode>>()
  /** Wires whose membership went on elsewhere, and from when on they are told nothing. */
  readonly #past = new Map<Wire, Past>()

  constructor(world: HoldersWorld) {
    this.#world = world
  }

  /** A client asks for its membership. */
  onAsked({ token = "", node }: Wire): void {
    this.#asked.set(token, (this.#asked.get(token) ?? new Set()).add(node))
  }

  /** A node has said something. @returns whose membership that begins */
  onSaid(wire: Wire, text: string): Begun | undefined {
    if (this.isPast(wire)) {
      this.#world.report(`${wire.name} is told ${text}, but ${this.#past.get(wire)?.to.name} has its membership`)
    }
    const isResumed = text.startsWith('{"event":"resumed"')
    if (!isResumed && !text.startsWith('{"event":"joined_room"')) return undefined
    const { own_id: peer, complete } = JSON.parse(text) as { own_id: string; complete?: boolean }
    const before = this.#byPeer.get(peer)
    this.#byPeer.set(peer, wire)
    const { token = "", request } = wire
    const used = isResumed ? this.#used.get(token) : undefined
    if (used !== undefined && !this.#mayUse(used, wire)) {
      this.#world.report(`${wire.name} resumes with a token that was used before`)
    }
    const isContested = used !== undefined
    if (before !== undefined && before !== wire) {
      const isLost = complete === false && this.#asked.get(token)?.size === 1 && !this.#anew.has(token)
      this.#judgeChange(before, wire, isLost)
      const isAtOnce = isResumed && !isContested && (complete === true || before.node === wire.node)
      const from = this.#world.time.now + (isAtOnce ? 0 : KNOWN_MS)
      this.#past.set(before, { from, to: wire, isContested })
      if (isContested) this.#past.set(wire, { from, to: before, isContested })
    }
    if (!isResumed) return { peer, request: undefined, before }
    this.resumed++
    if (complete === true) this.complete++
    else this.#anew.add(token)
    wire.spokeAt = undefined
    this.#used.set(token, wire)
    return { peer, request, before: isContested ? undefined : before }
  }

  /** The node of before has the log, and hands it over, unless a third was asked for it with the same token, too. */
  #judgeChange(before: Wire, wire: Wire, isLost: boolean): void {
    const { isDisturbed, hasFloods, hasEnds } = this.#world
    const isSame = before.node === wire.node
    if (isSame && before.isOpenAtNode) {
      this.#world.report(`${before.name} is still open, but ${wire.name} has its membership`)
    }
    if (isLost && !isDisturbed && !hasFloods && (isSame || !hasEnds)) {
      this.#world.report(`${wire.name} lost frames, but ${before.node.name} has them`)
    }
  }

  /** Whether its membership has gone on elsewhere, and every node must know it. */
  isPast(wire: Wire): boolean {
    const past = this.#past.get(wire)
    if (past === undefined || this.#world.time.now < past.from) return false
    if (past.isContested && !past.to.isOpenAtNode) return false
    return past.to.node === wire.node || !this.#world.isDisturbed
  }

  /**
   * Until the client shows, by a frame behind the answer, that it has the next token, which its own node knows at once. Another
   * one learns it from Redis: a moment later, or, where the first node is killed, or Redis away or set back, not at all.
   */
  #mayUse(before: Wire, by: Wire): boolean {
    // With Redis away, the frame may still wait behind one that does.
    if (before.spokeAt === undefined || this.#world.isDisturbed) return true
    return before.node !== by.node && (before.node.isDead || by.askedAt < before.spokeAt + PROOF_MS)
  }

  /** Connections of before that nodes keep open. */
  findOpen(): string[] {
    const open = [...this.#past].filter(([wire]) => wire.isOpenAtNode && this.isPast(wire))
    return open.map(([wire, { to }]) => `${wire.name} is still open, but ${to.name} has its membership`)
  }

  /** All is quiet. */
  forget(): void {
    this.#past.clear()
    for (const [peer, wire] of this.#byPeer) if (!wire.isOpenAtNode) this.#byPeer.delete(peer)
  }
}
