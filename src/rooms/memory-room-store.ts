// Rooms in the memory of this one process: the whole truth when no Redis is configured, and the oracle of the tests.
// Events are delivered inside the command that caused them, so a reply never comes before its own event.

import { randomUUID } from "node:crypto"
import { makeNodeId, type NodeId, type PeerId, type RoomKey } from "./ids.ts"
import { findMember, hasWord, indexOf, type MemoryRoom, othersWith, toPosition, toSnapshot } from "./memory-room.ts"
import { isBefore } from "./replica.ts"
import {
  type Audience,
  type JoinRequest,
  type JoinResult,
  type Lock,
  type Member,
  type OwnMember,
  type Position,
  type Proven,
  REPLACED_SECONDS,
  type RoomEvent,
  type RoomListener,
  type RoomSnapshot,
  type RoomStore,
  type StatusText,
} from "./room-store.ts"

/** The room store of a single node. */
export class MemoryRoomStore implements RoomStore {
  readonly node: NodeId
  readonly #rooms = new Map<RoomKey, MemoryRoom>()
  #listener: RoomListener | undefined

  /** @param node that of the process whose place this one takes, if any */
  constructor(node: NodeId = makeNodeId()) {
    this.node = node
  }

  /** Rooms that have members. */
  get size(): number {
    return this.#rooms.size
  }

  async start(listener: RoomListener): Promise<void> {
    this.#listener = listener
  }

  async join(request: JoinRequest): Promise<JoinResult> {
    const { room: key, peer, generation, rev, limit, ifTaken, withSnapshot, proof, identity } = request
    const known = this.#rooms.get(key)
    const before = known && findMember(known, peer)
    if (known !== undefined && before?.generation === generation) return this.#joined(known, withSnapshot)
    if (proof?.given !== undefined && !this.#isProven(key, peer, proof.given)) return { kind: "unproven" }
    const status = proof?.given === undefined ? request.status : (before?.status ?? request.status)
    if (before !== undefined && ifTaken === "refuse") return { kind: "taken" }
    const takesOver = before !== undefined && ifTaken === "takeOver"
    const mark = identity?.mark ?? (takesOver ? before.mark : undefined)
    const others = takesOver || known === undefined ? [] : othersWith(known, mark, peer)
    if (others.length > 0 && identity?.ifThere === "refuse") return { kind: "identity_in_room" }
    if (known !== undefined && before === undefined && others.length === 0) {
      if (known.lock?.isLocked === true) return { kind: "locked" }
      if (known.members.length >= limit) return { kind: "full" }
    }
    const room = known ?? this.#open(key)
    const member = { peer, node: this.node, generation, rev, status, ...(mark !== undefined && { mark }) }
    if (takesOver) {
      this.#move(key, room, { ...member, born: before.born ?? before.generation })
    } else {
      if (before !== undefined) this.#remove(key, room, before)
      for (const other of others) this.#replace(key, room, other)
      this.#add(key, room, member)
    }
    this.#setProof(room, peer, proof?.next)
    return this.#joined(room, withSnapshot)
  }

  async prove(key: RoomKey, peer: PeerId, generation: number, proof: string): Promise<boolean> {
    const room = this.#rooms.get(key)
    if (room === undefined || findMember(room, peer)?.generation !== generation) return false
    this.#setProof(room, peer, proof)
    return true
  }

  async isProven(key: RoomKey, peer: PeerId, given: string): Promise<Proven> {
    if (this.#isProven(key, peer, given)) return true
    const replaced = this.#rooms.get(key)?.replaced?.get(peer)
    return replaced !== undefined && hasWord(replaced.proof, given) && replaced.until > Date.now() ? "replaced" : false
  }

  async leave(key: RoomKey, peer: PeerId, generation: number): Promise<Position | undefined> {
    const room = this.#rooms.get(key)
    const member = room && findMember(room, peer)
    if (room === undefined || member?.generation !== generation) return undefined
    this.#remove(key, room, member)
    this.#closeIfEmpty(key, room)
    return toPosition(room)
  }

  async updateStatus(key: RoomKey, peer: PeerId, rev: number, status: StatusText): Promise<Position | undefined> {
    const room = this.#rooms.get(key)
    const member = room && findMember(room, peer)
    if (room === undefined || member === undefined || rev <= member.rev) return undefined
    this.#setStatus(key, room, { ...member, rev, status })
    return toPosition(room)
  }

  publish(
    key: RoomKey,
    peer: PeerId,
    rev: number,
    text: string,
    to: Audience,
    lock?: boolean,
  ): Position | undefined | Promise<Position | undefined> {
    const room = this.#rooms.get(key)
    const at = room === undefined ? -1 : indexOf(room, peer)
    const member = room?.members[at]
    if (room === undefined || member === undefined || rev <= member.rev) return undefined
    room.members[at] = { ...member, rev }
    const frame = { epoch: room.epoch, seq: ++room.seq, kind: "frame", peer, text, to } as const
    if (lock === undefined) this.#announce(key, frame)
    else {
      room.lock = { isLocked: lock, rev }
      this.#announce(key, { ...frame, lock: room.lock })
    }
    return toPosition(room)
  }

  /** Every member is on this node, so there is nobody to relay to: whoever relays has delivered it already. */
  relay(): void {}

  async nodes(): Promise<ReadonlyMap<NodeId, number>> {
    return new Map([[this.node, Number.POSITIVE_INFINITY]])
  }

  async snapshot(key: RoomKey): Promise<RoomSnapshot> {
    const room = this.#rooms.get(key)
    return room === undefined ? { epoch: "", seq: 0, members: [] } : toSnapshot(room)
  }

  async restore(
    key: RoomKey,
    own: readonly OwnMember[],
    others: readonly Member[],
    lock?: Lock,
  ): Promise<RoomSnapshot> {
    const known = this.#rooms.get(key)
    if (known === undefined && own.length === 0) return this.snapshot(key)
    const room = known ?? this.#open(key)
    if (lock !== undefined && lock.rev > (room.lock?.rev ?? -1)) room.lock = lock
    if (known === undefined) for (const member of others) this.#add(key, room, member)
    const wanted = new Map(own.map((member) => [member.peer, member]))
    for (const member of [...room.members]) {
      if (member.node !== this.node) continue
      const own = wanted.get(member.peer)
      if (own?.generation !== member.generation) {
        this.#remove(key, room, member)
        continue
      }
      wanted.delete(member.peer)
      if (own.proof !== undefined) this.#setProof(room, member.peer, own.proof)
      if (own.rev > member.rev) this.#setStatus(key, room, own)
    }
    for (const { proof, ...member } of wanted.values()) {
      const others = othersWith(room, member.mark, member.peer)
      if (others.some((other) => isBefore(member, other))) {
        this.#setReplaced(room, member.peer, proof)
        continue
      }
      for (const other of others) this.#replace(key, room, other)
      this.#add(key, room, member)
      this.#setProof(room, member.peer, proof)
    }
    this.#closeIfEmpty(key, room)
    return this.snapshot(key)
  }

  async close(_withinMs: number): Promise<void> {
    this.#listener = undefined
    this.#rooms.clear()
  }

  #open(key: RoomKey): MemoryRoom {
    const room: MemoryRoom = {
      epoch: randomUUID(),
      seq: 0,
      peak: 0,
      openedAt: Date.now(),
      members: [],
      proofs: undefined,
      replaced: undefined,
      lock: undefined,
    }
    this.#rooms.set(key, room)
    this.#listener?.onRoomOpened(key)
    return room
  }

  #add(key: RoomKey, room: MemoryRoom, member: Member): void {
    room.members.push(member)
    room.peak = Math.max(room.peak, room.members.length)
    this.#announce(key, { epoch: room.epoch, seq: ++room.seq, kind: "joined", member })
  }

  #move(key: RoomKey, room: MemoryRoom, member: Member): void {
    room.members[indexOf(room, member.peer)] = member
    this.#announce(key, { epoch: room.epoch, seq: ++room.seq, kind: "moved", member })
  }

  #isProven(key: RoomKey, peer: PeerId, given: string): boolean {
    return hasWord(this.#rooms.get(key)?.proofs?.get(peer), given)
  }

  #setProof(room: MemoryRoom, peer: PeerId, proof: string | undefined): void {
    if (proof === undefined) room.proofs?.delete(peer)
    else {
      room.proofs ??= new Map()
      room.proofs.set(peer, proof)
    }
  }

  #remove(
    key: RoomKey,
    room: MemoryRoom,
    { peer, generation }: Member,
    more: { readonly isReplaced?: true } = {},
  ): void {
    room.proofs?.delete(peer)
    room.members.splice(indexOf(room, peer), 1)
    this.#announce(key, { epoch: room.epoch, seq: ++room.seq, kind: "left", peer, generation, ...more })
  }

  /** Another member of the same identity takes its place. */
  #replace(key: RoomKey, room: MemoryRoom, member: Member): void {
    this.#setReplaced(room, member.peer, room.proofs?.get(member.peer))
    this.#remove(key, room, member, { isReplaced: true })
  }

  #setReplaced(room: MemoryRoom, peer: PeerId, proof: string | undefined): void {
    if (proof === undefined) return
    room.replaced ??= new Map()
    const now = Date.now()
    for (const [old, { until }] of room.replaced) if (until <= now) room.replaced.delete(old)
    room.replaced.set(peer, { proof, until: now + REPLACED_SECONDS * 1000 })
  }

  #setStatus(key: RoomKey, room: MemoryRoom, member: Member): void {
    const { peer, rev, status } = member
    room.members[indexOf(room, peer)] = member
    this.#announce(key, { epoch: room.epoch, seq: ++room.seq, kind: "status", peer, rev, status })
  }

  #closeIfEmpty(key: RoomKey, room: MemoryRoom): void {
    if (room.members.length > 0) return
    this.#rooms.delete(key)
    this.#listener?.onRoomClosed(key, room.peak, Date.now() - room.openedAt)
  }

  #announce(key: RoomKey, event: RoomEvent): void {
    this.#listener?.onRoomEvent(key, event)
  }

  #joined(room: MemoryRoom, withSnapshot: boolean): JoinResult {
    return { kind: "joined", position: toPosition(room), snapshot: withSnapshot ? toSnapshot(room) : undefined }
  }
}
