// The room store of many nodes: the truth about rooms is in Redis, changed by one script a command. Here commands are
// sent and their results told; link and lease are the uplink's, relays the outboxes' and the inbox's.

import { type Clock, SYSTEM_CLOCK, sleep } from "../clock.ts"
import { makeNodeId, type NodeId, type PeerId, type RoomKey } from "../rooms/ids.ts"
import {
  type Audience,
  type JoinRequest,
  type JoinResult,
  type Lock,
  type Member,
  type OwnMember,
  type Position,
  type Proven,
  type Ref,
  type Relay,
  type RoomListener,
  type RoomSnapshot,
  type RoomStore,
  type StatusText,
  StoreUnavailable,
} from "../rooms/room-store.ts"
import { type Backend, LinkLost, type Reply } from "./backend.ts"
import { type ClusterCounters, makeCounters } from "./counters.ts"
import { Epochs } from "./epochs.ts"
import { Inbox } from "./inbox.ts"
import { Lease } from "./lease.ts"
import { type ClusterLog, SILENT, toText } from "./log.ts"
import { type Neighbours, Shortcuts } from "./neighbours.ts"
import { Nodes } from "./nodes.ts"
import { Outboxes } from "./outboxes.ts"
import { Publishes } from "./publishes.ts"
import type { Keys } from "./redis/keys.ts"
import { RoomCalls, readPosition, readProven, readRefusal, readSnapshot } from "./room-calls.ts"
import { readRoomsOf, type SweepOptions, sweepNode } from "./sweep.ts"
import { Uplink } from "./uplink.ts"

/** What a cluster store is made with. */
export interface ClusterRoomStoreOptions {
  readonly backend: Backend
  readonly keys: Keys
  /** Seconds without a sign of life after which a node's members are swept by the others. */
  readonly leaseSeconds?: number
  /** Seconds a command waits for Redis before it is refused. */
  readonly waitSeconds?: number
  /** Nodes of this machine, if there are any. */
  readonly neighbours?: Neighbours | undefined
  readonly log?: ClusterLog
  readonly clock?: Clock
  /** Chance for pauses and orders, at least 0, below 1. */
  readonly random?: () => number
  /** This node's id: random, but for the simulation. */
  readonly node?: NodeId
  /** Number of the relay batch before this node's first: 0, but for tests of large numbers. */
  readonly lastBatch?: number
}

// 10 s: long enough for a stall of the machine or a fail-over behind one address, and a crash shows within 15 s.
const LEASE_SECONDS = 10

// 5 s: a reconnect or a fail-over is through by then, and a person still waits.
const WAIT_SECONDS = 5

// 0.3 of a lease: a dead link is found and replaced while the lease still holds.
const ANSWER_PART = 0.3

// 0.02 of a lease, at random: the sweepers of a dead node do not all begin in the same moment.
const SWEEP_JITTER_PART = 0.02

/** What one resync has done so far; nothing is kept beyond its end. */
interface Resync {
  readonly restored: Set<RoomKey>
  /** Nodes that were given a lease, if they had none. */
  readonly granted: Set<NodeId>
}

/** Rooms in Redis, shared by all nodes with the same Redis and prefix. */
export class ClusterRoomStore implements RoomStore {
  readonly node: NodeId
  /** Host and port of Redis, never user or password. */
  readonly place: string
  readonly counters: ClusterCounters = makeCounters()
  readonly #keys: Keys
  readonly #clock: Clock
  readonly #random: () => number
  readonly #log: ClusterLog
  readonly #leaseMs: number
  readonly #lease: Lease
  readonly #uplink: Uplink
  readonly #outboxes: Outboxes
  readonly #publishes: Publishes
  readonly #calls: RoomCalls
  readonly #nodes: Nodes
  readonly #neighbours: Neighbours | undefined
  #listener: RoomListener | undefined
  #inbox: Inbox | undefined
  readonly #sweeping = new Set<string>()
  #resyncing: Resync | undefined

  constructor(options: ClusterRoomStoreOptions) {
    const { backend, keys, log = SILENT, clock = SYSTEM_CLOCK, random = Math.random, node = makeNodeId() } = options
    const { counters } = this
    const waitMs = (options.waitSeconds ?? WAIT_SECONDS) * 1000
    this.node = node
    this.place = backend.place
    this.#nodes = new Nodes(node, log)
    this.#keys = keys
    this.#clock = clock
    this.#random = random
    this.#log = log
    this.#leaseMs = (options.leaseSeconds ?? LEASE_SECONDS) * 1000
    this.#lease = new Lease(node, keys, this.#leaseMs, clock)
    this.#calls = new RoomCalls(node, keys)
    const channelOf = (partition: number, node: NodeId) => keys.channelPrefix(partition) + node
    this.#uplink = new Uplink({
      backend,
      link: {
        channels: Array.from({ length: keys.partitions }, (_, partition) => channelOf(partition, node)),
        answerMs: this.#leaseMs * ANSWER_PART,
        clock,
        counters,
        onMessage: (partition, message) => this.#hear(partition, message),
      },
      ...{ lease: this.#lease, clock, random, counters, log, waitMs },
      onResync: () => this.#resync(),
      onLeaseEnded: (ended) => this.#sweepSoon(ended as NodeId),
    })
    this.#publishes = new Publishes({ uplink: this.#uplink, calls: this.#calls, clock })
    const { neighbours } = options
    this.#neighbours = neighbours
    const shortcuts = neighbours && new Shortcuts({ neighbours, isLeased: () => this.#lease.isHeld })
    this.#outboxes = new Outboxes({
      ...{
        node,
        shortcuts,
        uplink: this.#uplink,
        clock,
        counters,
        log,
        waitMs,
        channelOf,
        lastBatch: options.lastBatch ?? 0,
      },
      onFailed: (relay, ref, failure) => this.#listener?.onRelayFailed(relay, ref, failure),
    })
  }

  /** Why commands are not answered now, with the place of Redis but no password; undefined when they are. */
  get awayReason(): string | undefined {
    return this.#uplink.awayReason
  }

  /** Whether commands are answered now. */
  get state(): "up" | "away" {
    return this.awayReason === undefined ? "up" : "away"
  }

  async start(listener: RoomListener): Promise<void> {
    this.#listener = listener
    const inbox = new Inbox(listener, this.#nodes, this.counters, this.#clock)
    this.#inbox = inbox
    this.#neighbours?.listen(this.node, (frame) => inbox.hearNear(frame))
    await this.#uplink.start()
  }

  async join(request: JoinRequest): Promise<JoinResult> {
    const { room, withSnapshot } = request
    this.#publishes.flush(this.#keys.partitionOf(room))
    const epochs = new Epochs()
    const reply = await this.#uplink.run("up", (terms) => this.#calls.join(request, epochs.next(), terms))
    const refusal = readRefusal(reply)
    if (refusal !== undefined) return refusal
    const snapshot = readSnapshot(reply.slice(1))
    const { epoch, seq } = snapshot
    if (epochs.has(epoch)) this.#listener?.onRoomOpened(room)
    return { kind: "joined", position: { epoch, seq }, snapshot: withSnapshot ? snapshot : undefined }
  }

  async prove(room: RoomKey, peer: PeerId, generation: number, proof: string): Promise<boolean> {
    return (await this.#uplink.run("up", (terms) => this.#calls.prove(room, peer, generation, proof, terms)))[0] === 1
  }

  async isProven(room: RoomKey, peer: PeerId, given: string): Promise<Proven> {
    return readProven(await this.#uplink.run("up", () => this.#calls.isProven(room, peer, given)))
  }

  async leave(room: RoomKey, peer: PeerId, generation: number): Promise<Position | undefined> {
    await this.#behind(room, peer)
    const reply = await this.#uplink.run("up", (terms) => this.#calls.leave(room, peer, generation, terms))
    this.#tellIfClosed(room, reply.slice(3))
    return readPosition(reply)
  }

  async updateStatus(room: RoomKey, peer: PeerId, rev: number, status: StatusText): Promise<Position | undefined> {
    await this.#behind(room, peer)
    return readPosition(
      await this.#uplink.run("up", (terms) => this.#calls.updateStatus(room, peer, rev, status, terms)),
    )
  }

  async publish(
    room: RoomKey,
    peer: PeerId,
    rev: number,
    text: string,
    to: Audience,
    lock?: boolean,
  ): Promise<Position | undefined> {
    await this.#settled(room, peer)
    return this.#publishes.add(this.#keys.partitionOf(room), { room, peer, rev, text, to, lock })
  }

  relay(node: NodeId, relay: Relay, ref: Ref): void {
    this.#outboxes.add(this.#keys.partitionOf(relay.room), node, relay, ref)
  }

  async nodes(): Promise<ReadonlyMap<NodeId, number>> {
    const { link } = this.#uplink
    if (link === undefined) throw new StoreUnavailable("redis is away")
    try {
      return await this.#lease.readAll(link)
    } catch (cause) {
      throw cause instanceof LinkLost ? new StoreUnavailable("redis is away") : cause
    }
  }

  async snapshot(room: RoomKey): Promise<RoomSnapshot> {
    this.counters.snapshots++
    return readSnapshot(await this.#uplink.run("leased", () => this.#calls.snapshot(room)))
  }

  async restore(
    room: RoomKey,
    own: readonly OwnMember[],
    others: readonly Member[],
    lock?: Lock,
  ): Promise<RoomSnapshot> {
    this.counters.restores++
    this.#resyncing?.restored.add(room)
    const epochs = new Epochs()
    const strangers = others.filter(({ node }) => node !== this.node)
    // Before: a lost room may be born again with them. Leases are in another slot than rooms, so not in the same script.
    await this.#grant(strangers)
    const reply = await this.#uplink.run("leased", (terms) =>
      this.#calls.restore(room, own, strangers, lock, epochs.next(), terms),
    )
    const snapshot = readSnapshot(reply.slice(1))
    if (epochs.has(snapshot.epoch)) this.#listener?.onRoomOpened(room)
    this.#tellIfClosed(room, reply.slice(4))
    // Behind: older data may hold members of nodes that were swept since, on a master that does not keep the leases.
    if (this.#resyncing !== undefined) await this.#grant(snapshot.members)
    return snapshot
  }

  async close(withinMs: number, keepsMembers = false): Promise<void> {
    await Promise.race([this.#leaveAll(keepsMembers), sleep(this.#clock, withinMs)])
    this.#listener = undefined
    this.#neighbours?.close()
    this.#uplink.close()
  }

  /** Sends what waits, takes what is left of this node out of Redis, and then its lease; or leaves both to time. */
  async #leaveAll(keepsMembers: boolean): Promise<void> {
    await this.#outboxes.drained()
    this.#listener = undefined
    if (!keepsMembers) await this.#sweep(this.node, true)
  }

  /** Resolves when what this node said before of a room is on its way. */
  async #behind(room: RoomKey, peer: PeerId): Promise<void> {
    await this.#settled(room, peer)
    this.#publishes.flush(this.#keys.partitionOf(room))
  }

  #settled(room: RoomKey, peer: PeerId): Promise<unknown> | undefined {
    return this.#outboxes.settled(this.#keys.partitionOf(room), peer)
  }

  /** Gives a lease to the nodes of these members that have none: they renew it, or are swept when it is over. */
  async #grant(members: readonly Member[]): Promise<void> {
    const granted = this.#resyncing?.granted
    const nodes = new Set(members.map(({ node }) => node).filter((node) => node !== this.node && !granted?.has(node)))
    if (nodes.size === 0) return
    await this.#uplink.run("leased", () => this.#lease.grantCall([...nodes]))
    for (const node of nodes) granted?.add(node)
  }

  #tellIfClosed(room: RoomKey, [closed, peak, openMs]: readonly Reply[]): void {
    if (closed === 1) this.#listener?.onRoomClosed(room, Number(peak), Number(openMs))
  }

  #hear(partition: number, message: Buffer): void {
    try {
      this.#inbox?.hear(partition, message)
    } catch (error) {
      // A bug above must not end up inside the decoder of the subscriber.
      this.#log.warn("listener failed", { error: toText(error) })
    }
  }

  /** Has the rooms with members here restored, then clears those that only Redis believes to have some. */
  async #resync(): Promise<void> {
    const resync: Resync = { restored: new Set(), granted: new Set() }
    this.#resyncing = resync
    try {
      await this.#listener?.onResync()
      const { link } = this.#uplink
      if (link === undefined) return
      const believed = await readRoomsOf(this.node, link, this.#keys)
      for (const room of believed) if (!resync.restored.has(room)) await this.restore(room, [], [])
    } finally {
      this.#resyncing = undefined
    }
  }

  #sweepSoon(node: NodeId): void {
    this.#nodes.ended(node)
    if (this.#sweeping.has(node)) return
    this.#sweeping.add(node)
    this.#clock.after(this.#random() * this.#leaseMs * SWEEP_JITTER_PART, () => {
      this.#sweep(node, false)
        .catch((error: unknown) => this.#log.warn("bug: a sweep failed", { error: toText(error) }))
        .finally(() => this.#sweeping.delete(node))
    })
  }

  async #sweep(node: NodeId, isSelf: boolean): Promise<void> {
    const { link } = this.#uplink
    if (link === undefined) return
    const listener: SweepOptions["listener"] = {
      onSwept: (...args) => this.#listener?.onSwept(...args),
      onRoomClosed: (...args) => this.#listener?.onRoomClosed(...args),
    }
    // A command of a link that was lost may still arrive as long as the lease lasts that it was sent under.
    const isLeaseKept = isSelf && this.#uplink.sinceLostMs <= this.#leaseMs
    const shared = { counters: this.counters, keys: this.#keys, lease: this.#lease, random: this.#random }
    await sweepNode(node, isSelf, { link, listener, isLeaseKept, ...shared })
  }
}
