// What becomes of memberships, as their clients are told: how long each lasts, where it may be held, what was sent between
// two of them. From it follows what the others may see of it, and which messages must have arrived.

import { LEASE_MS, type SimulatedNode } from "../simulated-node.ts"

/** 1 s: by then every node knows where a member is, and what was under way to another place has come or is lost. */
export const KNOWN_MS = 1_000

/** Half a lease: renewed at 0.3 of it, the lease of a node that ended has this long to go at least. */
const LEASE_LEFT_MS = LEASE_MS / 2

/** 200 ms: what a node has taken is with the target's node by then, unless the network is worse than that. */
const HANDED_ON_MS = 200

/** One membership, from the word that it has begun. */
export interface Stay {
  readonly peer: string
  readonly client: string
  /** Left by its client, or known to it to be gone, or taken by another. */
  isOver: boolean
  /** Since when its client may be away; undefined while it is there. */
  awayAt: number | undefined
  /** When frames of it or to it were last said to be lost. */
  lostOutAt: number
  lostInAt: number
  /** Errors that may each have been the answer to a message. */
  errors: number
  /** Where it was last. */
  node: SimulatedNode
  /** That one, and where it has asked to be since. */
  readonly nodes: Set<SimulatedNode>
  /** Numbers of the messages that came, by their sender. */
  readonly heard: Map<string, number[]>
}

/** A message from one membership to another. */
interface Sent {
  readonly number: number
  readonly from: Stay
  readonly to: Stay
  readonly at: number
}

/** See the head of this file. */
export class Stays {
  readonly #byPeer = new Map<string, Stay>()
  /** How often a peer was told that it is in, as it left and joined again; its client may not have wanted it any more. */
  readonly #joins = new Map<string, number>()
  readonly #endedAt = new Map<SimulatedNode, number>()
  readonly #now: () => number
  readonly #resumeMs: number
  #sent: Sent[] = []

  constructor(now: () => number, resumeMs: number) {
    this.#now = now
    this.#resumeMs = resumeMs
  }

  /** A node says that a peer is in. */
  joined(peer: string): void {
    this.#joins.set(peer, (this.#joins.get(peer) ?? (this.#byPeer.has(peer) ? 1 : 0)) + 1)
  }

  /** A membership has begun. */
  begin(peer: string, client: string, node: SimulatedNode): Stay {
    const stay: Stay = {
      ...{ peer, client, isOver: false, awayAt: undefined, errors: 0, node, nodes: new Set([node]), heard: new Map() },
      ...{ lostOutAt: Number.NEGATIVE_INFINITY, lostInAt: Number.NEGATIVE_INFINITY },
    }
    this.#byPeer.set(peer, stay)
    return stay
  }

  get(peer: string): Stay | undefined {
    return this.#byPeer.get(peer)
  }

  /** Somebody else has it: it is over as soon as that one goes. */
  steal(peer: string): void {
    const stay = this.#byPeer.get(peer)
    if (stay !== undefined) stay.isOver = true
  }

  /** A node has ended, or begun to. */
  nodeEnded(node: SimulatedNode): void {
    if (!this.#endedAt.has(node)) this.#endedAt.set(node, this.#now())
  }

  /** A message sets out between two who know each other; one who has left and joined again may be known from before. */
  send(number: number, from: Stay, to: Stay): void {
    if (this.#earlier(to.peer) > 0) return
    this.#sent.push({ number, from, to, at: this.#now() })
  }

  /** Whether a message that comes behind later ones was under way when frames were said to be lost. */
  mayBeLate(number: number): boolean {
    const message = this.#sent.find((each) => each.number === number)
    return message !== undefined && this.#mayBeLost(message)
  }

  /** Why nobody who was told `before` times may be told just now that this peer has left; undefined when they may. */
  whyNotLeft(peer: string, before: number): string | undefined {
    const stay = this.#byPeer.get(peer)
    if (stay === undefined || stay.isOver || before < this.#earlier(peer)) return undefined
    if (stay.awayAt === undefined) return "its client is there"
    const now = this.#now()
    const ended = [...stay.nodes].flatMap((node) => this.#endedAt.get(node) ?? [])
    const lapsesAt = Math.min(stay.awayAt + this.#resumeMs, ...ended.map((at) => at + LEASE_LEFT_MS))
    return now >= lapsesAt ? undefined : `it is held for ${(lapsesAt - now).toFixed(0)} ms more`
  }

  /** Messages that had to arrive and did not; the next look begins behind them. */
  takeLost(): string[] {
    const lost: string[] = []
    const excused = new Map<Stay, number>()
    for (const message of this.#sent) {
      const { number, from, to, at } = message
      if (to.heard.get(from.peer)?.includes(number) || this.#mayBeLost(message)) continue
      const errors = excused.get(from) ?? from.errors
      excused.set(from, errors - 1)
      if (errors > 0) continue
      lost.push(`${to.client} never got ${number} of ${from.client}, sent at ${at.toFixed(1)}`)
    }
    this.#sent = []
    return lost
  }

  /** Clients by the peer ids they have or had. */
  names(): Map<string, string> {
    return new Map([...this.#byPeer].map(([peer, { client }]) => [peer, client]))
  }

  /** All is quiet: what is over is forgotten. */
  forget(): void {
    this.#joins.clear()
    for (const [peer, stay] of this.#byPeer) {
      if (stay.isOver || stay.awayAt !== undefined) this.#byPeer.delete(peer)
      stay.errors = 0
      for (const numbers of stay.heard.values()) numbers.splice(0, numbers.length - 1)
    }
  }

  /** Memberships that a peer had before this one. */
  #earlier(peer: string): number {
    return (this.#joins.get(peer) ?? 1) - 1
  }

  #mayBeLost({ from, to, at }: Sent): boolean {
    if ([from, to].some(({ isOver, awayAt }) => isOver || awayAt !== undefined)) return true
    if (at <= from.lostOutAt || at <= to.lostInAt + KNOWN_MS) return true
    return [...this.#endedAt.values()].some((endedAt) => at <= endedAt && at > endedAt - HANDED_ON_MS)
  }
}
