// The room store of many nodes: the truth about rooms is in Redis, changed by one script a command. Here arguments
// become script calls and replies results; connection and lease are the uplink's, relays the outboxes' and the inbox's.

import { randomUUID } from "node:crypto"
import { encode } from "@msgpack/msgpack"
import { makeNodeId, type NodeId, type PeerId, type RoomKey } from "../rooms/ids.ts"
import type {
  JoinRequest,
  JoinResult,
  Member,
  Position,
  Ref,
  Relay,
  RoomListener,
  RoomSnapshot,
  RoomStore,
  StatusText,
} from "../rooms/room-store.ts"
import { type ClusterCounters, makeCounters } from "./counters.ts"
import { Inbox } from "./inbox.ts"
import { Lease } from "./lease.ts"
import { readPackedMember } from "./node-message.ts"
import { Outboxes } from "./outboxes.ts"
import { DEFAULT_PREFIX, type Keys, makeKeys } from "./redis/keys.ts"
import {
  callOf,
  JOIN_ROOM,
  LEAVE_ROOM,
  REFUSED,
  RESTORE_ROOM,
  type Reply,
  SNAPSHOT_ROOM,
  UPDATE_STATUS,
} from "./redis/scripts.ts"
import { readRoomsOf, sweepNode } from "./sweep.ts"
import { type ClusterLog, type Terms, Uplink } from "./uplink.ts"

/** What a Redis store is made with. */
export interface ClusterRoomStoreOptions {
  /** `redis://` or `rediss://`; several with `isCluster`, some nodes of one Redis Cluster. */
  readonly urls: readonly string[]
  readonly isCluster?: boolean
  /** First part of every name in Redis. */
  readonly prefix?: string
  /** Seconds without a sign of life after which a node's members are swept by the others. */
  readonly leaseSeconds?: number
  /** Seconds a command waits for Redis before it is refused. */
  readonly waitSeconds?: number
  /** Partitions of the deployment, the same on every node. */
  readonly partitions?: number
  readonly log?: ClusterLog
}

// 10 s: long enough for a stall of the machine or a fail-over behind one address, and a crash shows within 15 s.
const LEASE_SECONDS = 10

// 5 s: a reconnect or a fail-over is through by then, and a person still waits.
const WAIT_SECONDS = 5

// 0.3 of a lease: a dead connection is found and replaced while the lease still holds.
const ANSWER_PART = 0.3

// 0.02 of a lease, at random: the sweepers of a dead node do not all begin in the same moment.
const SWEEP_JITTER_PART = 0.02

/**
 * The epochs of a room that one command may open: another for each time it is sent. With one for all, a room that was
 * opened, swept and opened again would begin a second life under the name of the first, behind which nobody looks.
 */
class Epochs {
  readonly #tried = new Set<string>()

  next(): string {
    const epoch = randomUUID()
    this.#tried.add(epoch)
    return epoch
  }

  /** Whether the room was opened by this command. */
  has(epoch: string): boolean {
    return this.#tried.has(epoch)
  }
}

const SILENT: ClusterLog = { info() {}, warn() {} }

/** Rooms in Redis, shared by all nodes with the same Redis and prefix. */
export class ClusterRoomStore implements RoomStore {
  readonly node: NodeId = makeNodeId()
  readonly counters: ClusterCounters = makeCounters()
  readonly #options: ClusterRoomStoreOptions
  readonly #keys: Keys
  readonly #leaseMs: number
  readonly #lease: Lease
  readonly #uplink: Uplink
  readonly #outboxes: Outboxes
  #listener: RoomListener | undefined
  #inbox: Inbox | undefined
  readonly #sweeping = new Set<string>()
  /** Rooms restored by the resync under way. */
  readonly #restored = new Set<RoomKey>()
  /** Nodes that were given a lease, if they had none, since that resync began. */
  readonly #granted = new Set<NodeId>()

  constructor(options: ClusterRoomStoreOptions) {
    const { urls, isCluster = false, prefix = DEFAULT_PREFIX, partitions, log = SILENT } = options
    const waitMs = (options.waitSeconds ?? WAIT_SECONDS) * 1000
    const { node, counters } = this
    this.#options = options
    this.#leaseMs = (options.leaseSeconds ?? LEASE_SECONDS) * 1000
    this.#keys = makeKeys(prefix, isCluster, partitions)
    this.#lease = new Lease(node, this.#keys, this.#leaseMs)
    const channelOf = (partition: number, node: NodeId) => this.#keys.channelPrefix(partition) + node
    this.#uplink = new Uplink({
      connection: {
        urls,
        isCluster,
        channels: Array.from({ length: this.#keys.partitions }, (_, partition) => channelOf(partition, node)),
        answerMs: this.#leaseMs * ANSWER_PART,
        counters,
        onMessage: (partition, message) => this.#hear(partition, message),
      },
      lease: this.#lease,
      counters,
      log,
      waitMs,
      onResync: () => this.#resync(),
      onLeaseEnded: (ended) => this.#sweepSoon(ended as NodeId),
    })
    this.#outboxes = new Outboxes({
      node,
      uplink: this.#uplink,
      counters,
      waitMs,
      channelOf,
      onFailed: (from, ref, error) => this.#listener?.onRelayFailed(from, ref, error),
    })
  }

  /** Whether commands are answered now. */
  get state(): "up" | "away" {
    return this.#uplink.state
  }

  async start(listener: RoomListener): Promise<void> {
    this.#listener = listener
    this.#inbox = new Inbox(listener, this.counters)
    await this.#uplink.start()
  }

  async join({ room, peer, generation, rev, status, limit, withSnapshot }: JoinRequest): Promise<JoinResult> {
    const epochs = new Epochs()
    const reply = await this.#uplink.run("up", (terms) => {
      const { partition, keys, args } = this.#roomTerms(room, terms)
      return callOf(
        JOIN_ROOM,
        {
          ...keys,
          rooms_of: this.#keys.roomsOf(partition, this.node),
          connection_time: this.#keys.connectionTime(partition, terms.hour),
        },
        {
          ...args,
          node: this.node,
          peer,
          generation: String(generation),
          rev: String(rev),
          status,
          limit: String(limit),
          epoch: epochs.next(),
          with_snapshot: withSnapshot ? "1" : "0",
        },
      )
    })
    if (reply[0] === REFUSED.full) return { kind: "full" }
    const snapshot = toSnapshot(reply.slice(1))
    const { epoch, seq } = snapshot
    if (epochs.has(epoch)) this.#listener?.onRoomOpened(room)
    return { kind: "joined", position: { epoch, seq }, snapshot: withSnapshot ? snapshot : undefined }
  }

  async leave(room: RoomKey, peer: PeerId, generation: number): Promise<Position | undefined> {
    await this.#outboxes.settled(this.#keys.partitionOf(room), peer)
    const reply = await this.#uplink.run("up", (terms) => {
      const { partition, keys, args } = this.#roomTerms(room, terms)
      return callOf(
        LEAVE_ROOM,
        {
          ...keys,
          rooms_of: this.#keys.roomsOf(partition, this.node),
          connection_time: this.#keys.connectionTime(partition, terms.hour),
          room_peaks: this.#keys.roomPeaks(partition, terms.hour),
        },
        { ...args, node: this.node, peer, generation: String(generation) },
      )
    })
    const [isLeft, epoch, seq, ...closing] = reply
    if (isLeft !== 1) return undefined
    this.#tellIfClosed(room, closing)
    return { epoch: String(epoch), seq: Number(seq) }
  }

  async updateStatus(room: RoomKey, peer: PeerId, rev: number, status: StatusText): Promise<Position | undefined> {
    await this.#outboxes.settled(this.#keys.partitionOf(room), peer)
    const reply = await this.#uplink.run("up", (terms) => {
      const { keys, args } = this.#roomTerms(room, terms)
      return callOf(UPDATE_STATUS, keys, { ...args, peer, rev: String(rev), status })
    })
    const [isChanged, epoch, seq] = reply
    return isChanged === 1 ? { epoch: String(epoch), seq: Number(seq) } : undefined
  }

  relay(node: NodeId, relay: Relay, ref: Ref): void {
    this.#outboxes.add(this.#keys.partitionOf(relay.room), node, relay, ref)
  }

  async snapshot(room: RoomKey): Promise<RoomSnapshot> {
    this.counters.snapshots++
    const partition = this.#keys.partitionOf(room)
    const keys = { room: this.#keys.room(partition, room), meta: this.#keys.meta(partition, room) }
    return toSnapshot(await this.#uplink.run("leased", () => callOf(SNAPSHOT_ROOM, keys, {})))
  }

  async restore(room: RoomKey, own: readonly Member[], others: readonly Member[]): Promise<RoomSnapshot> {
    this.counters.restores++
    this.#restored.add(room)
    const epochs = new Epochs()
    const strangers = others.filter(({ node }) => node !== this.node)
    const strangeNodes = [...new Set(strangers.map(({ node }) => node))]
    // Leases are in another slot than rooms in a cluster, so they are given before, not in the same script.
    const ungranted = strangeNodes.filter((node) => !this.#granted.has(node))
    if (ungranted.length > 0) await this.#uplink.run("leased", () => this.#lease.grantCall(ungranted))
    for (const node of ungranted) this.#granted.add(node)
    const reply = await this.#uplink.run("leased", (terms) => {
      const { partition, keys, args } = this.#roomTerms(room, terms)
      return callOf(
        RESTORE_ROOM,
        {
          ...keys,
          connection_time: this.#keys.connectionTime(partition, terms.hour),
          room_peaks: this.#keys.roomPeaks(partition, terms.hour),
          rooms_of: this.#keys.roomsOf(partition, this.node),
          "others_rooms_of...": strangeNodes.map((node) => this.#keys.roomsOf(partition, node)),
        },
        {
          ...args,
          node: this.node,
          epoch: epochs.next(),
          own: packMembers(own),
          others: packMembers(strangers),
          others_nodes: pack(strangeNodes),
        },
      )
    })
    const snapshot = toSnapshot(reply.slice(1))
    if (epochs.has(snapshot.epoch)) this.#listener?.onRoomOpened(room)
    this.#tellIfClosed(room, reply.slice(4))
    return snapshot
  }

  async close(): Promise<void> {
    await this.#outboxes.drained()
    this.#listener = undefined
    const connection = this.#uplink.connection
    if (connection !== undefined) await this.#sweep(this.node, true)
    this.#uplink.close()
  }

  /** What all scripts about a room take. */
  #roomTerms(room: RoomKey, { leaseUntil, publishWord }: Terms) {
    const partition = this.#keys.partitionOf(room)
    return {
      partition,
      keys: {
        room: this.#keys.room(partition, room),
        meta: this.#keys.meta(partition, room),
        nodes: this.#keys.nodes(partition, room),
      },
      args: {
        lease_until: leaseUntil,
        publish: publishWord,
        channel: this.#keys.channelPrefix(partition),
        room_key: room,
      },
    }
  }

  #tellIfClosed(room: RoomKey, [closed, peak, openMs]: Reply[]): void {
    if (closed === 1) this.#listener?.onRoomClosed(room, Number(peak), Number(openMs))
  }

  #hear(partition: number, message: Buffer): void {
    try {
      this.#inbox?.hear(partition, message)
    } catch (error) {
      // A bug above must not end up inside the decoder of the subscriber.
      this.#options.log?.warn("listener failed", { error: error instanceof Error ? error.stack : String(error) })
    }
  }

  /** Has the rooms with members here restored, then clears those that only Redis believes to have some. */
  async #resync(): Promise<void> {
    this.#restored.clear()
    this.#granted.clear()
    await this.#listener?.onResync()
    const connection = this.#uplink.connection
    if (connection === undefined) return
    const believed = await readRoomsOf(this.node, connection, this.#keys)
    for (const room of believed) if (!this.#restored.has(room)) await this.restore(room, [], [])
    this.#restored.clear()
  }

  #sweepSoon(node: NodeId): void {
    if (this.#sweeping.has(node)) return
    this.#sweeping.add(node)
    setTimeout(() => this.#sweep(node, false), Math.random() * this.#leaseMs * SWEEP_JITTER_PART)
  }

  async #sweep(node: NodeId, isSelf: boolean): Promise<void> {
    const connection = this.#uplink.connection
    const onRoomClosed: RoomListener["onRoomClosed"] = (...args) => this.#listener?.onRoomClosed(...args)
    const { counters } = this
    try {
      if (connection === undefined) return
      const lease = this.#lease
      await sweepNode(node, isSelf, { connection, keys: this.#keys, lease, counters, listener: { onRoomClosed } })
    } finally {
      this.#sweeping.delete(node)
    }
  }
}

function pack(value: unknown): Buffer {
  const bytes = encode(value)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function packMembers(members: readonly Member[]): Buffer {
  return pack(members.map(({ peer, node, generation, rev, status }) => [peer, node, generation, rev, status]))
}

function toSnapshot([epoch, seq, list]: Reply[]): RoomSnapshot {
  const packed = (list ?? []) as Buffer[]
  const members: { member: Member; order: number }[] = []
  for (let at = 0; at < packed.length; at += 2) {
    members.push(readPackedMember(String(packed[at]), packed[at + 1] as Buffer))
  }
  members.sort((a, b) => a.order - b.order)
  return { epoch: String(epoch), seq: Number(seq), members: members.map(({ member }) => member) }
}
