// What dialects ask of rooms: join, leave, a new status, a frame for all, a message for one. The store decides, its log
// comes back to the room, and only that is shown to clients.

import { CHANGE_BYTES } from "./costs.ts"
import type { RoomCounters } from "./counters.ts"
import type { PeerId, RoomKey } from "./ids.ts"
import { type JoiningParts, joinRoom } from "./joining.ts"
import type { Membership } from "./membership.ts"
import type { RoomObserver } from "./observer.ts"
import { type Audience, type Position, type Proven, type Ref, type StatusText, StoreUnavailable } from "./room-store.ts"
import { type ChangeOutcome, StatusChanges } from "./status-changes.ts"
import type { Topics } from "./topics.ts"
import type { RoomTracer } from "./tracer.ts"
import type { JoinOutcome, JoinWish } from "./wishes.ts"

/** What commands work with. */
export interface CommandsParts extends JoiningParts {
  readonly topics: Topics
  readonly counters: RoomCounters
  readonly observer: RoomObserver
  readonly tracer: RoomTracer | undefined
}

/** See the head of this file. */
export class RoomCommands {
  readonly #parts: CommandsParts
  /** Apart from the observer, for the relay path: one field that is undefined when nobody looks. */
  readonly #onRelayed: RoomObserver["relayed"]
  readonly #tracer: RoomTracer | undefined
  readonly #topics: Topics
  readonly #counters: RoomCounters
  /** Joins under way, until they have landed or are undone. */
  readonly #joins = new Set<Promise<JoinOutcome>>()
  readonly #statuses: StatusChanges
  #isClosing = false

  constructor(parts: CommandsParts) {
    this.#parts = parts
    this.#onRelayed = parts.observer.relayed
    this.#tracer = parts.tracer
    this.#topics = parts.topics
    this.#counters = parts.counters
    this.#statuses = new StatusChanges({
      clock: parts.clock,
      counters: parts.counters,
      announce: (membership, status) => this.#announceStatus(membership, status),
      onBug: (cause, { room }) => parts.repairs.onStoreError(cause, room.key),
    })
  }

  /** Joins a room. Rejects only by a bug. */
  async join(wish: JoinWish): Promise<JoinOutcome> {
    if (this.#isClosing) return "unavailable"
    if (!wish.holder.payer.mayJoin()) return "rate_limited"
    const join = joinRoom(this.#parts, wish)
    this.#joins.add(join)
    const since = this.#parts.clock.monotonicMs()
    const outcome = await join.finally(() => this.#joins.delete(join))
    this.#counters.times.join.add((this.#parts.clock.monotonicMs() - since) / 1000)
    if (outcome !== "joined") this.#tracer?.happened(wish.room, wish.peer, "refused", outcome)
    return outcome
  }

  /** Leaves, if it is in: the client hears nothing of the room any more from here on. */
  leave(membership: Membership): Promise<void> | undefined {
    const room = this.#parts.registry.roomOf(membership)
    if (room === undefined || !membership.isIn) return undefined
    this.#statuses.flush(membership)
    if (!room.release(membership)) return undefined
    return this.#parts.repairs.leave(room, membership.peer, membership.generation)
  }

  /** The status a member has asked for last, which the store may not have yet. */
  statusOf(membership: Membership): StatusText {
    return this.#statuses.latestOf(membership)
  }

  /**
   * Replaces the status of a member. Of many at once the room is told the last (status-changes.ts).
   * @param ref with a failure that is known only later, which the holder is told
   */
  updateStatus(membership: Membership, status: StatusText, ref: Ref): Promise<ChangeOutcome> {
    return this.#statuses.change(membership, status, ref)
  }

  async #announceStatus(membership: Membership, status: StatusText): Promise<ChangeOutcome> {
    const { room, peer, holder } = membership
    holder.payer.charge(CHANGE_BYTES + status.length * room.members.size)
    const rev = this.#parts.registry.nextNumber()
    const { store, clock } = this.#parts
    const since = clock.monotonicMs()
    const outcome = await this.#change(membership, () => store.updateStatus(room.key, peer, rev, status))
    this.#counters.times.status.add((clock.monotonicMs() - since) / 1000)
    if (outcome !== "done") return outcome
    this.#parts.registry.roomOf(membership)?.setStatus(membership, rev, status)
    this.#parts.observer.statusUpdated?.(peer, room.key, status)
    return outcome
  }

  /** Whether this word proves who may take a membership over; undefined while the store is away. */
  async isProven(room: RoomKey, peer: PeerId, given: string): Promise<Proven | undefined> {
    try {
      return await this.#parts.store.isProven(room, peer, given)
    } catch (cause) {
      if (!(cause instanceof StoreUnavailable)) throw cause
      return undefined
    }
  }

  /** From here on `proof` is what proves who may take it over at another node; while the store is away, it learns it later. */
  prove(membership: Membership, proof: string): void {
    const { room, peer, generation } = membership
    membership.proof = proof
    this.#parts.store.prove(room.key, peer, generation, proof).catch((cause) => {
      this.#parts.repairs.onStoreError(cause, room.key)
    })
  }

  /**
   * Publishes a frame to all members on all nodes, in the order of the room's log; the sender is one of all. Where that
   * is done at once, it says so at once.
   */
  publish(
    membership: Membership,
    text: string,
    to: Audience = "all",
    lock?: boolean,
  ): ChangeOutcome | Promise<ChangeOutcome> {
    const { room, peer, holder } = membership
    holder.payer.charge(CHANGE_BYTES + text.length * room.members.size)
    this.#tracer?.relayed(room.key, peer, undefined, text)
    const rev = this.#parts.registry.nextNumber()
    const position = this.#parts.store.publish(room.key, peer, rev, text, to, lock)
    if (position !== undefined && !(position instanceof Promise)) return "done"
    return this.#publishLater(membership, position, rev, text, to, lock)
  }

  /** Apart, as a function that has a closure in it makes room for it at every call. */
  #publishLater(
    membership: Membership,
    sent: undefined | Promise<Position | undefined>,
    ...frame: [rev: number, text: string, to: Audience, lock?: boolean]
  ): Promise<ChangeOutcome> {
    const { room, peer } = membership
    return this.#change(membership, () => this.#parts.store.publish(room.key, peer, ...frame), sent)
  }

  /**
   * Relays a ready-made frame to a member of the sender's room. On the hot path: no promise, no closure.
   * @returns false when `to` is no member; a later failure is told to the holder, with `ref`
   */
  relay(sender: Membership, to: PeerId, text: string, ref: Ref): boolean {
    const { room } = sender
    const target = room.here.get(to)
    if (target !== undefined) {
      this.#counters.relaysLocal++
      this.#counters.bytesSent += text.length
      if (target.log !== undefined) target.log.push(text)
      if (this.#topics.publish(target.holder.topic, text)) target.holder.onPressure()
      if (this.#onRelayed !== undefined) this.#onRelayed(sender.peer, to, text.length)
      if (this.#tracer !== undefined) this.#tracer.relayed(room.key, sender.peer, to, text)
      return true
    }
    const { store } = this.#parts
    const member = room.members.get(to)
    if (member === undefined || member.node === store.node) return false
    this.#counters.relaysRemote++
    store.relay(member.node, { room: room.key, from: sender.peer, to, text, after: room.known }, ref)
    if (this.#onRelayed !== undefined) this.#onRelayed(sender.peer, to, text.length)
    if (this.#tracer !== undefined) this.#tracer.relayed(room.key, sender.peer, to, text)
    return true
  }

  /**
   * No join begins from here on; resolves when those under way have landed and all memberships have left.
   * @param keepsHeld whether those whose clients may come back stay
   */
  async close(keepsHeld = false): Promise<void> {
    this.#isClosing = true
    this.#statuses.flushAll()
    await Promise.all([this.#leaveAll(keepsHeld), Promise.allSettled(this.#joins)])
    // Joins that were under way have landed meanwhile.
    await this.#leaveAll(keepsHeld)
  }

  async #leaveAll(keepsHeld: boolean): Promise<void> {
    const all = [...this.#parts.registry.values()].flatMap(({ here }) => [...here.values()])
    const leaving = all.filter(({ holder }) => !keepsHeld || holder.isHeld !== true)
    await Promise.allSettled(leaving.map((membership) => this.leave(membership)))
  }

  /** Sends a change of a member (`sent`), once more after a restore when the store did not know the member. */
  async #change(
    membership: Membership,
    send: () => Position | undefined | Promise<Position | undefined>,
    sent = send(),
  ): Promise<ChangeOutcome> {
    const room = this.#parts.registry.roomOf(membership)
    try {
      let position = await sent
      if (position === undefined && room !== undefined && membership.isIn) {
        // Our node was taken for dead and its members swept: claim the place back, then say it again.
        await this.#parts.repairs.restore(room)
        position = await send()
      }
      room?.expect(position)
      return "done"
    } catch (cause) {
      if (!(cause instanceof StoreUnavailable)) throw cause
      return "unavailable"
    }
  }
}
