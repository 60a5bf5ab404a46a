// Keeps true what the store believes of this node's members, and what this node believes of a room. Whatever was missed,
// lost or taken back by either side is set right here.

import type { Clock } from "../clock.ts"
import type { Log } from "../log.ts"
import type { RoomCounters } from "./counters.ts"
import { type PeerId, type RoomKey, toLogName } from "./ids.ts"
import type { RoomRegistry } from "./registry.ts"
import type { Room } from "./room.ts"
import { type Member, type OwnMember, type RoomEvent, type RoomStore, StoreUnavailable } from "./room-store.ts"

/** 64 rooms at once: keeps the pipeline to the store full without queueing a whole node's rooms behind each other. */
const RESTORES_AT_ONCE = 64

/** 1 s: the store has already waited 5 s for its backend, and a member that stays too long is a ghost. */
const LEAVE_AGAIN_MS = 1_000

/** What repairs are made with. */
export interface RepairsParts {
  readonly store: RoomStore
  readonly registry: RoomRegistry
  readonly clock: Clock
  readonly counters: RoomCounters
  readonly log: Log
}

/** See the head of this file. */
export class Repairs {
  readonly #parts: RepairsParts
  #isClosed = false

  constructor(parts: RepairsParts) {
    this.#parts = parts
  }

  /** Takes a membership out of the store. When the store is away, it is tried again until done. */
  async leave(room: Room, peer: PeerId, generation: number): Promise<void> {
    room.addLeaving(peer, generation)
    const { store, clock, counters } = this.#parts
    const since = clock.monotonicMs()
    try {
      room.expect(await store.leave(room.key, peer, generation))
    } catch (cause) {
      this.onStoreError(cause, room.key)
      if (cause instanceof StoreUnavailable) this.leaveLater(room, peer, generation)
      return
    } finally {
      counters.times.leave.add((clock.monotonicMs() - since) / 1000)
    }
    room.removeLeaving(peer, generation)
    this.#parts.registry.dropIfUnused(room)
  }

  /** Leaves when the store is back, unless a resync has done it by then, as the member is not among our own. */
  leaveLater(room: Room, peer: PeerId, generation: number): void {
    room.addLeaving(peer, generation)
    this.#parts.clock.after(LEAVE_AGAIN_MS, () => {
      if (room.leaving.get(peer) === generation && !this.#isClosed) this.leave(room, peer, generation)
    })
  }

  /** Asks for a snapshot, as the log has a gap. */
  repair(room: Room): void {
    const asked = room.received
    this.#parts.store.snapshot(room.key).then(
      (snapshot) => room.adopt(snapshot, asked),
      (cause) => this.onStoreError(cause, room.key),
    )
  }

  /** Tells the store who of this node is in the room, and shows what its answer changes. */
  async restore(room: Room): Promise<void> {
    const { store, registry } = this.#parts
    const { node } = store
    const own: OwnMember[] = []
    const others: Member[] = []
    for (const { membership, isAnswered, mark } of room.joiners.values()) {
      const { peer, generation, status, proof } = membership
      if (isAnswered) own.push({ peer, node, generation, rev: generation, status, proof, mark })
    }
    // In the order of the log, as far as it knows them.
    for (const member of room.members.values()) {
      if (member.node !== node) others.push(member)
      else {
        const membership = room.here.get(member.peer)
        if (membership?.generation !== member.generation) continue
        own.push({ ...member, rev: membership.statusRev, status: membership.status, proof: membership.proof })
      }
    }
    const gone = [...room.leaving]
    const asked = room.received
    try {
      const snapshot = await store.restore(room.key, own, others, room.lock)
      for (const [peer, generation] of gone) room.removeLeaving(peer, generation)
      if (room.isUsed) room.adopt(snapshot, asked)
    } catch (cause) {
      this.onStoreError(cause, room.key)
    }
    registry.dropIfUnused(room)
  }

  /** Restores every room, as the store may have lost anything, or come back with older data than it had. */
  async restoreAll(): Promise<void> {
    for (const room of this.#parts.registry.values()) room.forgetPlace()
    const rooms = this.#parts.registry.values()
    const restoreNext = async () => {
      for (const room of rooms) await this.restore(room)
    }
    await Promise.all(Array.from({ length: RESTORES_AT_ONCE }, restoreNext))
  }

  /**
   * An event of a room in which this node has nobody. Mostly it was on its way when our last member left. But where it
   * speaks of a member of ours, a command that was given up has arrived after all: set that right, so no ghost stays.
   */
  onStrayEvent(key: RoomKey, event: RoomEvent): void {
    const { store } = this.#parts
    if (event.kind !== "joined" || event.member.node !== store.node) return
    store.restore(key, [], []).catch((cause) => this.onStoreError(cause, key))
  }

  /** Nothing is tried again from here on. */
  close(): void {
    this.#isClosed = true
  }

  /** Logs what became of a command: nothing to speak of when the store is away, as a resync sets it right. */
  onStoreError(cause: unknown, room: RoomKey): void {
    const { log } = this.#parts
    if (cause instanceof StoreUnavailable) log.debug({ room: toLogName(room) }, "the store is away")
    else log.error({ err: cause, room: toLogName(room) }, "bug: a store command failed")
  }
}
