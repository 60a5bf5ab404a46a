// The room store of many nodes: the truth about rooms is in Redis, changed by one script a command. Here commands are
// sent and their results told; link and lease are the uplink's, relays the outboxes' and the inbox's, and what was lost is
// put back, or swept, in restores.ts and sweep.ts.

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
import { type Backend, LinkLost } from "./backend.ts"
import { Changes } from "./changes.ts"
import { type ClusterCounters, makeCounters } from "./counters.ts"
import { Epochs } from "./epochs.ts"
import { Inbox } from "./inbox.ts"
import { Lease } from "./lease.ts"
import { type ClusterLog, SILENT, toText } from "./log.ts"
import { type Neighbours, Shortcuts } from "./neighbours.ts"
import { Nodes } from "./nodes.ts"
import { Outboxes } from "./outboxes.ts"
import type { Keys } from "./redis/keys.ts"
import { Restores } from "./restores.ts"
import { RoomCalls, readPosition, readProven, readRefusal, readSnapshot, tellIfClosed } from "./room-calls.ts"
import { Sweeps } from "./sweep.ts"
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

/** Rooms in Redis, shared by all nodes with the same Redis and prefix. */
export class ClusterRoomStore implements RoomStore {
  readonly node: NodeId
  /** Host and port of Redis, never user or password. */
  readonly place: string
  readonly counters: ClusterCounters = makeCounters()
  readonly #keys: Keys
  readonly #clock: Clock
  readonly #log: ClusterLog
  readonly #lease: Lease
  readonly #uplink: Uplink
  readonly #outboxes: Outboxes
  readonly #changes: Changes
  readonly #calls: RoomCalls
  readonly #restores: Restores
  readonly #sweeps: Sweeps
  readonly #nodes: Nodes
  readonly #neighbours: Neighbours | undefined
  #listener: RoomListener | undefined
  #inbox: Inbox | undefined

  constructor(options: ClusterRoomStoreOptions) {
    const { backend, keys, log = SILENT, clock = SYSTEM_CLOCK, random = Math.random, node = makeNodeId() } = options
    const { counters } = this
    const waitMs = (options.waitSeconds ?? WAIT_SECONDS) * 1000
    this.node = node
    this.place = backend.place
    this.#nodes = new Nodes(node, log)
    this.#keys = keys
    this.#clock = clock
    this.#log = log
    const leaseMs = (options.leaseSeconds ?? LEASE_SECONDS) * 1000
    this.#lease = new Lease(node, keys, leaseMs, clock)
    this.#calls = new RoomCalls(node, keys)
    const channelOf = (partition: number, node: NodeId) => keys.channelPrefix(partition) + node
    this.#uplink = new Uplink({
      backend,
      link: {
        channels: Array.from({ length: keys.partitions }, (_, partition) => channelOf(partition, node)),
        answerMs: leaseMs * ANSWER_PART,
        clock,
        counters,
        onMessage: (partition, message) => this.#hear(partition, message),
      },
      ...{ lease: this.#lease, clock, random, counters, log, waitMs },
      onResync: () => this.#restores.resync(),
      onLeaseEnded: (ended) => {
        this.#nodes.ended(ended as NodeId)
        this.#sweeps.sweepSoon(ended as NodeId)
      },
    })
    const listener = () => this.#listener
    const shared = { node, keys, counters, listener, lease: this.#lease, uplink: this.#uplink }
    this.#restores = new Restores({ ...shared, calls: this.#calls })
    this.#sweeps = new Sweeps({ ...shared, leaseMs, clock, random, log })
    this.#changes = new Changes({ uplink: this.#uplink, calls: this.#calls, keys, clock })
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
    this.#neighbours?.listen(this.node, (frame) => this.#guard(() => inbox.hearNear(frame)))
    await this.#uplink.start()
  }

  async join(request: JoinRequest): Promise<JoinResult> {
    const { room, withSnapshot } = request
    const epochs = new Epochs()
    const reply = await this.#changes.add({ kind: "join", room, request, epochs })
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
    await this.#settled(room, peer)
    const reply = await this.#changes.add({ kind: "leave", room, peer, generation })
    tellIfClosed(this.#listener, room, reply.slice(3))
    return readPosition(reply)
  }

  async updateStatus(room: RoomKey, peer: PeerId, rev: number, status: StatusText): Promise<Position | undefined> {
    await this.#settled(room, peer)
    return readPosition(await this.#changes.add({ kind: "status", room, peer, rev, status }))
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
    return readPosition(await this.#changes.add({ kind: "frame", room, peer, rev, text, to, lock }))
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

  restore(room: RoomKey, own: readonly OwnMember[], others: readonly Member[], lock?: Lock): Promise<RoomSnapshot> {
    return this.#restores.restore(room, own, others, lock)
  }

  async close(withinMs: number, keepsMembers = false): Promise<void> {
    await Promise.race([this.#leaveAll(keepsMembers), sleep(this.#clock, withinMs)])
    this.#listener = undefined
    this.#neighbours?.close()
    this.#uplink.close()
  }

  /** Sends what waits, takes what is left of this node out of Redis, and then its lease; or leaves both to time. */
  async #leaveAll(keepsMembers: boolean): Promise<void> {
    this.#changes.flush()
    await this.#outboxes.drained()
    this.#listener = undefined
    if (!keepsMembers) await this.#sweeps.sweepOwn()
  }

  /** Resolves when all relays of `peer` in this room are heard, or given up; undefined when there are none. */
  #settled(room: RoomKey, peer: PeerId): Promise<unknown> | undefined {
    return this.#outboxes.settled(this.#keys.partitionOf(room), peer)
  }

  #hear(partition: number, message: Buffer): void {
    this.#guard(() => this.#inbox?.hear(partition, message))
  }

  /** A bug above must not end up inside whoever brings a message. */
  #guard<Result>(hear: () => Result): Result | undefined {
    try {
      return hear()
    } catch (error) {
      this.#log.warn("listener failed", { error: toText(error) })
      return undefined
    }
  }
}
