// This node's lease: the promise to the other nodes that it lives. As long as it holds nobody sweeps our members; once
// it is over nothing of ours may change a room any more, which Redis checks too, by its own clock, in every script.

import { randomUUID } from "node:crypto"
import type { Clock } from "../clock.ts"
import type { NodeId } from "../rooms/ids.ts"
import type { Link, Reply, ScriptCall } from "./backend.ts"
import type { Keys } from "./redis/keys.ts"
import { callOf, END_LEASE, GRANT_LEASES, REFUSED, RENEW_LEASE } from "./redis/scripts.ts"

// 0.3 of a lease: two renewals may get lost before it is over.
const RENEW_PART = 0.3

// 0.2 of a lease between heartbeats, which find a half-open subscriber.
const BEAT_PART = 0.2

// 0.05 of a lease (0.5 s by default) between its end and the sweep: what the clocks of a cluster's masters may differ.
const MARGIN_PART = 0.05

// 10 ms: an end of another node's lease is looked for just behind it, not just before.
const JUST_BEHIND_MS = 10

const HOUR_SECONDS = 3600

/** This Redis belongs to a deployment with another number of partitions: a single node's and a cluster's do not mix. */
export class PartitionMismatch extends Error {
  override name = "PartitionMismatch"
}

/** One node's lease. */
export class Lease {
  /** End of the lease on Redis's clock, ms. */
  untilMs = 0
  readonly #node: NodeId
  readonly #keys: Keys
  readonly #leaseMs: number
  readonly #clock: Clock
  /** End of the lease on our own monotonic clock, counted from before the renewal was sent. */
  #ownUntil = 0
  /** Redis's clock minus ours, ms. */
  #offsetMs = 0
  /** Of the deployment as Redis last knew it: another one means that Redis has lost everything since. */
  #birth = ""
  /** Since when we have held it without a break, on our own monotonic clock. */
  #heldSince = 0
  /** Whether we have given it up for good: a renewal behind that would leave a lease of nobody. */
  #isGivenUp = false

  constructor(node: NodeId, keys: Keys, leaseMs: number, clock: Clock) {
    this.#node = node
    this.#keys = keys
    this.#leaseMs = leaseMs
    this.#clock = clock
  }

  /** Whether it holds by our own clock, which also runs while the process is stopped. */
  get isHeld(): boolean {
    return this.#clock.monotonicMs() < this.#ownUntil
  }

  /** Start of the current hour on Redis's clock, unix seconds. */
  get hour(): number {
    return Math.floor((this.#clock.unixMs() + this.#offsetMs) / 1000 / HOUR_SECONDS) * HOUR_SECONDS
  }

  /** Takes the lease, whatever became of it before. */
  async take(link: Link): Promise<void> {
    await this.#renew(link)
    this.#heldSince = this.#clock.monotonicMs()
  }

  /**
   * Renews it in time and sends heartbeats, until stopped.
   * @param onEnded another node's lease is over. Not told during our first lease after `take`: when Redis was away for
   *   all of us, the others are about to come back as we did
   * @param onLost ours was over when we renewed it
   * @returns stops it
   */
  keep(link: Link, onEnded: (node: string) => void, onLost: () => void): () => void {
    let isStopped = false
    let stopRenewing = () => {}
    let stopBeating = () => {}
    const renewIn = (ms: number): void => {
      if (!isStopped) stopRenewing = this.#clock.after(ms, renew)
    }
    const renew = async (): Promise<void> => {
      if (this.#isGivenUp) return
      try {
        const { isHeld, ended, nextMs } = await this.#renew(link)
        if (isStopped) return
        if (!isHeld) return onLost()
        if (this.#clock.monotonicMs() - this.#heldSince > this.#leaseMs) for (const node of ended) onEnded(node)
        renewIn(Math.min(this.#leaseMs * RENEW_PART, nextMs + JUST_BEHIND_MS))
      } catch (error) {
        link.close(`the lease could not be renewed: ${error}`)
      }
    }
    const beat = (): void => {
      link.beat()
      stopBeating = this.#clock.after(this.#leaseMs * BEAT_PART, beat)
    }
    renewIn(this.#leaseMs * RENEW_PART)
    stopBeating = this.#clock.after(this.#leaseMs * BEAT_PART, beat)
    return () => {
      isStopped = true
      stopRenewing()
      stopBeating()
    }
  }

  /** Gives nodes that have no lease one to renew, or to be swept after. */
  grantCall(nodes: readonly NodeId[]): ScriptCall {
    const { leases } = this.#keys
    return callOf(GRANT_LEASES, { leases }, { lease_ms: String(Math.round(this.#leaseMs)), "node...": nodes })
  }

  /** Whether `node` has not renewed its lease meanwhile. */
  async isOver(link: Link, node: string): Promise<boolean> {
    const until = await link.readScore(this.#keys.leases, node)
    return until === undefined || until <= this.#clock.unixMs() + this.#offsetMs
  }

  /** All nodes with a lease, and the milliseconds until it ends. */
  async readAll(link: Link): Promise<Map<NodeId, number>> {
    const now = this.#clock.unixMs() + this.#offsetMs
    const leases = new Map<NodeId, number>()
    for (const [node, until] of await link.readScores(this.#keys.leases)) {
      if (until > now) leases.set(node as NodeId, until - now)
    }
    return leases
  }

  /** Removes the lease of a node that is swept (unless it has been renewed), or our own at the end. */
  async end(link: Link, node: string): Promise<void> {
    if (node === this.#node) this.#isGivenUp = true
    const only_if_over = node === this.#node ? "0" : "1"
    await link.run(callOf(END_LEASE, this.#names, { node, margin_ms: this.#marginMs, only_if_over }))
  }

  async #renew(link: Link): Promise<{ isHeld: boolean; ended: string[]; nextMs: number }> {
    const sentAt = this.#clock.monotonicMs()
    const wasHeld = this.isHeld
    const knownBirth = this.#birth
    const args = {
      node: this.#node,
      lease_ms: String(Math.round(this.#leaseMs)),
      partitions: String(this.#keys.partitions),
      birth: randomUUID(),
      margin_ms: this.#marginMs,
    }
    const reply = (await link.run(callOf(RENEW_LEASE, this.#names, args))) as Reply[]
    const [code, held, birth, ...rest] = reply
    const [now = 0, until = 0, nextMs = -1] = rest.slice(0, 3).map(Number)
    if (code === REFUSED.otherPartitions) {
      throw new PartitionMismatch(
        `this Redis is used with ${held} partitions and this node has ${this.#keys.partitions}: ` +
          "a deployment is either on a single Redis or on a cluster; give one of them another prefix",
      )
    }
    this.untilMs = until
    this.#birth = String(birth)
    this.#offsetMs = now - this.#clock.unixMs()
    this.#ownUntil = sentAt + this.#leaseMs
    return {
      isHeld: held === 1 && wasHeld && this.#birth === knownBirth,
      ended: rest.slice(3).map(String),
      nextMs: nextMs < 0 ? this.#leaseMs : nextMs,
    }
  }

  get #names() {
    return { leases: this.#keys.leases, deployment: this.#keys.deployment }
  }

  get #marginMs(): string {
    return String(Math.round(this.#leaseMs * MARGIN_PART))
  }
}
