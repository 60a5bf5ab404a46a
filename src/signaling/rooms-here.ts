// The rooms with members at this node, and how they are kept true: what the store believes of this node's members, and
// what this node's views believe of the room. Whatever was missed, lost or taken back by either side is set right here.

import { type PeerId, type RoomKey, toLogName } from "../rooms/ids.ts"
import { type Member, type RoomEvent, type RoomStore, StoreUnavailable } from "../rooms/room-store.ts"
import type { Clock } from "./clock.ts"
import type { Counters } from "./counters.ts"
import type { Log } from "./hub.ts"
import { RoomView, type RoomViewHost } from "./room-view.ts"
import type { Session } from "./session.ts"

/** 64 rooms at once: keeps the pipeline to the store full without queueing a whole node's rooms behind each other. */
const RESTORES_AT_ONCE = 64

/** 1 s: the store has already waited 5 s for its backend, and a member that stays too long is a ghost. */
const LEAVE_AGAIN_MS = 1_000

/** What the rooms of a node are kept with. */
export interface RoomsHereParts {
  readonly store: RoomStore
  readonly sessions: ReadonlyMap<PeerId, Session>
  readonly clock: Clock
  readonly counters: Counters
  readonly log: Log
  /** What the views ask and tell. */
  readonly host: RoomViewHost
}

/** See the head of this file. */
export class RoomsHere {
  readonly #parts: RoomsHereParts
  readonly #rooms = new Map<RoomKey, RoomView>()
  #isClosed = false

  constructor(parts: RoomsHereParts) {
    this.#parts = parts
  }

  /** Rooms this node has anybody in, on the way in, or on the way out. */
  get size(): number {
    return this.#rooms.size
  }

  /** The view of a room, if there is one. */
  get(key: RoomKey): RoomView | undefined {
    return this.#rooms.get(key)
  }

  /** The view of a room, made when there is none. */
  open(key: RoomKey): RoomView {
    let room = this.#rooms.get(key)
    if (room === undefined) {
      room = new RoomView(key, this.#parts.host)
      this.#rooms.set(key, room)
    }
    return room
  }

  /** Ends the view of a room in which nobody of this node is left. */
  dropIfUnused(room: RoomView): void {
    if (room.isUsed || this.#rooms.get(room.key) !== room) return
    room.close()
    this.#rooms.delete(room.key)
  }

  /** Hands an event of a room's log to its view. */
  onEvent(key: RoomKey, event: RoomEvent): void {
    const room = this.#rooms.get(key)
    if (room !== undefined) room.onEvent(event)
    else if (event.kind !== "left") {
      // Somebody takes this node for one with members in that room. It has none: set that right, so no ghost stays.
      this.#parts.store.restore(key, [], []).catch((cause) => this.#onStoreError(cause, key))
    }
  }

  /** Takes a membership out of the store. When the store is away, it is tried again until done. */
  async leave(room: RoomView, peer: PeerId, generation: number): Promise<void> {
    room.leaving.set(peer, generation)
    try {
      room.expect(await this.#parts.store.leave(room.key, peer, generation))
    } catch (cause) {
      this.#onStoreError(cause, room.key)
      if (cause instanceof StoreUnavailable) this.leaveLater(room, peer, generation)
      return
    }
    if (room.leaving.get(peer) === generation) room.leaving.delete(peer)
    this.dropIfUnused(room)
  }

  /** Leaves when the store is back, unless a resync has done it by then, as the member is not among our own. */
  leaveLater(room: RoomView, peer: PeerId, generation: number): void {
    room.leaving.set(peer, generation)
    this.#parts.clock.after(LEAVE_AGAIN_MS, () => {
      if (room.leaving.get(peer) === generation && !this.#isClosed) this.leave(room, peer, generation)
    })
  }

  /** Asks for a snapshot, as the log has a hole. */
  heal(room: RoomView): void {
    this.#parts.counters.gapsHealed++
    const asked = room.received
    this.#parts.store.snapshot(room.key).then(
      (snapshot) => room.adopt(snapshot, asked),
      (cause) => this.#onStoreError(cause, room.key),
    )
  }

  /** Tells the store who of this node is in the room, and shows what its answer changes. */
  async restore(room: RoomView): Promise<void> {
    const { store, sessions } = this.#parts
    const { node } = store
    const own: Member[] = []
    const others: Member[] = []
    for (const { session, generation, status, answered } of room.joiners.values()) {
      if (answered) own.push({ peer: session.peer, node, generation, rev: generation, status })
    }
    for (const member of room.members.values()) {
      const session = sessions.get(member.peer)
      if (member.node !== node) others.push(member)
      else if (session?.room === room && session.generation === member.generation) {
        own.push({ ...member, rev: session.statusRev, status: session.status })
      }
    }
    const gone = [...room.leaving]
    const asked = room.received
    try {
      const snapshot = await store.restore(room.key, own, others)
      for (const [peer, generation] of gone) if (room.leaving.get(peer) === generation) room.leaving.delete(peer)
      if (room.isUsed) room.adopt(snapshot, asked)
    } catch (cause) {
      this.#onStoreError(cause, room.key)
    }
    this.dropIfUnused(room)
  }

  /** Restores every room. */
  async restoreAll(): Promise<void> {
    for (const room of this.#rooms.values()) room.forgetPlace()
    const rooms = this.#rooms.values()
    const restoreNext = async () => {
      for (const room of rooms) await this.restore(room)
    }
    await Promise.all(Array.from({ length: RESTORES_AT_ONCE }, restoreNext))
  }

  /** Nothing is tried again from here on. */
  close(): void {
    this.#isClosed = true
    for (const room of this.#rooms.values()) room.close()
  }

  #onStoreError(cause: unknown, room: RoomKey): void {
    const { log } = this.#parts
    if (cause instanceof StoreUnavailable) log.debug({ room: toLogName(room) }, "the store is away")
    else log.error({ err: cause, room: toLogName(room) }, "bug: a store command failed")
  }
}
