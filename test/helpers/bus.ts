// What Redis is to the nodes, in memory: rooms, leases and one channel a node. Each method is one atomic step, as the
// scripts in scripts/lua are, and announces what it changes inside the step.

import type { NodeId, PeerId, RoomKey } from "../../src/rooms/ids.ts"
import type {
  JoinRequest,
  JoinResult,
  Member,
  Position,
  Relay,
  RoomEvent,
  RoomSnapshot,
  StatusText,
} from "../../src/rooms/room-store.ts"

/** One message on a node's channel: events of a room, or a relay with the sender's number for it. */
export type ChannelMessage =
  | { readonly kind: "events"; readonly room: RoomKey; readonly events: readonly RoomEvent[] }
  | { readonly kind: "relay"; readonly sender: NodeId; readonly number: number; readonly relay: Relay }

/** A room while it has members, oldest first. */
interface Room {
  readonly epoch: string
  seq: number
  readonly members: Map<PeerId, Member>
}

/** See the head of this file. */
export class Bus {
  readonly rooms = new Map<RoomKey, Room>()
  /** Node → end of its lease. */
  readonly leases = new Map<NodeId, number>()
  /** Who listens to the channel of a node. */
  readonly channels = new Map<NodeId, (message: ChannelMessage) => void>()
  /** Everything ever announced, room by room, as in the log. */
  readonly logs = new Map<RoomKey, RoomEvent[]>()
  /** Tells one life of the data from the next. */
  birth = 1
  #epochs = 0

  join(node: NodeId, { room: key, peer, generation, rev, status, limit, withSnapshot }: JoinRequest): JoinResult {
    const known = this.rooms.get(key)
    const before = known?.members.get(peer)
    const joined = (room: Room): JoinResult => ({
      kind: "joined",
      position: toPosition(room),
      snapshot: withSnapshot ? toSnapshot(room) : undefined,
    })
    if (known !== undefined && before?.generation === generation) return joined(known)
    if (known !== undefined && before === undefined && known.members.size >= limit) return { kind: "full" }
    const room = known ?? this.#open(key)
    const events = before === undefined ? [] : [this.#remove(room, before)]
    events.push(this.#add(room, { peer, node, generation, rev, status }))
    this.#announce(key, nodesOf(room), events)
    return joined(room)
  }

  leave(key: RoomKey, peer: PeerId, generation: number): Position | undefined {
    const room = this.rooms.get(key)
    const member = room?.members.get(peer)
    if (room === undefined || member?.generation !== generation) return undefined
    const nodes = nodesOf(room)
    this.#announce(key, nodes, [this.#remove(room, member)])
    this.#closeIfEmpty(key, room)
    return toPosition(room)
  }

  updateStatus(key: RoomKey, peer: PeerId, rev: number, status: StatusText): Position | undefined {
    const room = this.rooms.get(key)
    const member = room?.members.get(peer)
    if (room === undefined || member === undefined || rev <= member.rev) return undefined
    this.#announce(key, nodesOf(room), [this.#setStatus(room, { ...member, rev, status })])
    return toPosition(room)
  }

  snapshot(key: RoomKey): RoomSnapshot {
    const room = this.rooms.get(key)
    return room === undefined ? { epoch: "", seq: 0, members: [] } : toSnapshot(room)
  }

  restore(node: NodeId, key: RoomKey, own: readonly Member[], others: readonly Member[]): RoomSnapshot {
    const known = this.rooms.get(key)
    if (known === undefined && own.length === 0) return this.snapshot(key)
    const room = known ?? this.#open(key)
    const wanted = new Map(own.map((member) => [member.peer, member]))
    const before = nodesOf(room)
    const events: RoomEvent[] = []
    if (known === undefined) {
      for (const member of others) if (!wanted.has(member.peer)) events.push(this.#add(room, member))
    }
    for (const member of [...room.members.values()]) {
      if (member.node !== node) continue
      const want = wanted.get(member.peer)
      if (want?.generation !== member.generation) {
        events.push(this.#remove(room, member))
        continue
      }
      wanted.delete(member.peer)
      if (want.rev > member.rev) events.push(this.#setStatus(room, want))
    }
    for (const member of wanted.values()) events.push(this.#add(room, member))
    this.#announce(key, new Set([...before, ...nodesOf(room)]), events)
    const snapshot = toSnapshot(room)
    this.#closeIfEmpty(key, room)
    return snapshot
  }

  /** Removes a dead node's members from a room. */
  sweep(node: NodeId, key: RoomKey): void {
    const room = this.rooms.get(key)
    if (room === undefined) return
    const nodes = nodesOf(room)
    const dead = [...room.members.values()].filter((member) => member.node === node)
    this.#announce(
      key,
      nodes,
      dead.map((member) => this.#remove(room, member)),
    )
    this.#closeIfEmpty(key, room)
  }

  /** Puts a relay on a node's channel. @returns whether anybody listens there */
  publish(node: NodeId, message: ChannelMessage): boolean {
    const listener = this.channels.get(node)
    listener?.(message)
    return listener !== undefined
  }

  /** The rooms in which a node has members. */
  roomsOf(node: NodeId): RoomKey[] {
    return [...this.rooms].filter(([, room]) => nodesOf(room).has(node)).map(([key]) => key)
  }

  /** Forgets everything, as an empty Redis does. */
  flush(): void {
    this.birth++
    this.rooms.clear()
    this.leases.clear()
    this.logs.clear()
  }

  #open(key: RoomKey): Room {
    const room: Room = { epoch: `epoch ${++this.#epochs}`, seq: 0, members: new Map() }
    this.rooms.set(key, room)
    return room
  }

  #add(room: Room, member: Member): RoomEvent {
    room.members.set(member.peer, member)
    return { epoch: room.epoch, seq: ++room.seq, kind: "joined", member }
  }

  #remove(room: Room, { peer, generation }: Member): RoomEvent {
    room.members.delete(peer)
    return { epoch: room.epoch, seq: ++room.seq, kind: "left", peer, generation }
  }

  #setStatus(room: Room, member: Member): RoomEvent {
    const { peer, rev, status } = member
    room.members.set(peer, { ...member })
    return { epoch: room.epoch, seq: ++room.seq, kind: "status", peer, rev, status }
  }

  #closeIfEmpty(key: RoomKey, room: Room): void {
    if (room.members.size === 0) this.rooms.delete(key)
  }

  #announce(key: RoomKey, nodes: Iterable<NodeId>, events: readonly RoomEvent[]): void {
    if (events.length === 0) return
    const log = this.logs.get(key)
    if (log === undefined) this.logs.set(key, [...events])
    else log.push(...events)
    for (const node of nodes) this.channels.get(node)?.({ kind: "events", room: key, events })
  }
}

function nodesOf(room: Room): Set<NodeId> {
  return new Set([...room.members.values()].map(({ node }) => node))
}

function toPosition({ epoch, seq }: Room): Position {
  return { epoch, seq }
}

function toSnapshot(room: Room): RoomSnapshot {
  return { epoch: room.epoch, seq: room.seq, members: [...room.members.values()] }
}
