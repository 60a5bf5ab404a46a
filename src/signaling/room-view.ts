// One room at this node: the replica, what waits while it is being loaded or healed, and who of this node is on the
// way in or out. It decides what becomes visible and when; sending is the hub's part.
//
// Until the first snapshot, and again when a hole in the log is found, everything that comes in waits in the backlog,
// in order. The snapshot is shown as differences, then the backlog is applied on top.

import type { PeerId, RoomKey } from "../rooms/ids.ts"
import { type Change, Replica } from "../rooms/replica.ts"
import type { Member, Position, Ref, Relay, RoomEvent, RoomSnapshot, StatusText } from "../rooms/room-store.ts"
import type { Clock } from "./clock.ts"
import type { Session } from "./session.ts"

/** 10,000 entries: a healing takes one round trip; past this, events are let go and the next hole heals again. */
const BACKLOG_ENTRIES = 10_000

/** 500 ms: a reply's own event comes over the other connection within a few; later, it was lost. */
const EVENT_WAIT_MS = 500

// Shared by all rooms in which nothing waits and nobody comes in, which is most of them: an empty list and an empty Map
// of each room's own are 110 bytes. Never changed, only replaced.
const NOTHING: (RoomEvent | Relay)[] = []
const NOBODY = new Map<PeerId, Joiner>()

/** A session whose join is under way. */
export interface Joiner {
  readonly session: Session
  readonly generation: number
  readonly ref: Ref
  readonly status: StatusText
  /** The store has said yes; only the event is missing. */
  answered: boolean
  /** Called once the session is in the room. */
  readonly onJoined: () => void
}

/** What a view needs from the hub. */
export interface RoomViewHost {
  readonly clock: Pick<Clock, "after">
  /** Whether `peer` is a live connection of this node, in `room` with this generation. */
  isHere(room: RoomView, peer: PeerId, generation: number): boolean
  /** A change becomes visible. */
  show(room: RoomView, change: Change): void
  /** A message for a peer of this node; its sender is a member. */
  deliver(relay: Relay): void
  /** A message was let go: its sender is no member any more. */
  onDropped(): void
  /** The log has a hole: fetch a snapshot and adopt it. */
  heal(room: RoomView): void
  /** The log has taken a live member of this node: restore the room and adopt the answer. */
  reclaim(room: RoomView): void
}

/** See the head of this file. */
export class RoomView {
  readonly key: RoomKey
  /** Sessions of this node in the room. */
  here = 0
  #joiners = NOBODY
  /** Memberships of this node on their way out, with their generation, until the store has said yes. */
  readonly leaving = new Map<PeerId, number>()
  readonly #host: RoomViewHost
  readonly #replica = new Replica()
  #isLive = false
  #backlog = NOTHING
  /** Entries that have left the backlog. */
  #released = 0
  #isClosed = false
  /** Ends the wait for an event of which a reply spoke. */
  #watch: (() => void) | undefined
  /** The last position of which a reply spoke. */
  #expected: Position | undefined

  constructor(key: RoomKey, host: RoomViewHost) {
    this.key = key
    this.#host = host
  }

  /** The topic of room events: the key itself, so that no room keeps another string for it. */
  get topic(): string {
    return this.key
  }

  /** Sessions of this node on their way in. */
  get joiners(): ReadonlyMap<PeerId, Joiner> {
    return this.#joiners
  }

  /** A session is on its way in. */
  addJoiner(joiner: Joiner): void {
    if (this.#joiners === NOBODY) this.#joiners = new Map()
    this.#joiners.set(joiner.session.peer, joiner)
  }

  /** It is in, or was refused. A Map that was in use keeps some 300 bytes when it is empty: rooms are many. */
  removeJoiner(peer: PeerId): void {
    this.#joiners.delete(peer)
    if (this.#joiners.size === 0) this.#joiners = NOBODY
  }

  /** Members as this node knows them, oldest first. */
  get members(): ReadonlyMap<PeerId, Member> {
    return this.#replica.members
  }

  /** Whether the replica follows the log; else it waits for a snapshot. */
  get isLive(): boolean {
    return this.#isLive
  }

  /** Whether this node has anybody in the room, on the way in, or on the way out. */
  get isUsed(): boolean {
    return this.here > 0 || this.joiners.size > 0 || this.leaving.size > 0
  }

  /** What comes from here on waits for the next snapshot. */
  suspend(): void {
    this.#isLive = false
  }

  /**
   * The store may have come back with older data: what was heard of the log counts no more, and the next snapshot is taken
   * as new. Messages keep waiting for it.
   */
  forgetPlace(): void {
    this.suspend()
    this.#replica.forgetPlace()
    const kept = this.#backlog.filter((entry) => !("kind" in entry))
    this.#released += this.#backlog.length - kept.length
    this.#backlog = kept.length === 0 ? NOTHING : kept
  }

  /** The next thing of the room's log. */
  onEvent(event: RoomEvent): void {
    const place = this.#isLive ? this.#replica.placeOf(event) : "later"
    if (place === "later") this.#keep(event)
    else if (place === "next") this.#apply(event)
    else if (place === "gap") {
      this.suspend()
      this.#keep(event)
      this.#host.heal(this)
    }
  }

  /** A message from another node, in order with the events. */
  onRelay(relay: Relay): void {
    if (!this.#isLive) this.#keep(relay)
    else if (this.members.has(relay.from)) this.#host.deliver(relay)
    else this.#host.onDropped()
  }

  /** How much has come into the backlog so far: a snapshot asked for now has all of it behind it. */
  get received(): number {
    return this.#released + this.#backlog.length
  }

  /**
   * A snapshot: shows what is different, then what waited. One that the log has overtaken on its way says nothing new,
   * and what comes for a view that is closed is not for those who have opened the next one.
   * @param asked what `received` was when the snapshot was asked for
   */
  adopt(snapshot: RoomSnapshot, asked: number): void {
    if (this.#isClosed || this.#replica.isPast(snapshot)) return
    const covered = asked - this.#released
    this.#released += this.#backlog.length
    const backlog = this.#deliverFromKnown(this.#backlog, covered, snapshot.epoch)
    this.#backlog = NOTHING
    this.#isLive = true
    // Replies keep their order: every position of which one spoke before this is in the snapshot.
    this.#unwatch()
    const reclaim = this.#replica.adopt(snapshot, this.#hereTest(), (change) => this.#host.show(this, change))
    for (const entry of backlog) {
      if ("kind" in entry) this.onEvent(entry)
      else this.onRelay(entry)
    }
    if (reclaim || this.#hasLostJoiner()) this.#host.reclaim(this)
  }

  /** The store's reply speaks of `position`: when its event does not come, it was lost, and the room is healed. */
  expect(position: Position | undefined): void {
    if (position === undefined || this.#replica.hasReached(position)) return
    this.#expected = position
    this.#watch ??= this.#host.clock.after(EVENT_WAIT_MS, () => {
      this.#watch = undefined
      if (this.#replica.hasReached(position)) return this.expect(this.#expected)
      this.suspend()
      this.#host.heal(this)
    })
  }

  /** Nobody of this node is in the room any more: the view ends. */
  close(): void {
    this.#isClosed = true
    this.#unwatch()
  }

  #unwatch(): void {
    this.#watch?.()
    this.#watch = undefined
  }

  #apply(event: RoomEvent): void {
    const { change, reclaim } = this.#replica.apply(event, this.#hereTest())
    if (change !== undefined) this.#host.show(this, change)
    if (reclaim) this.#host.reclaim(this)
  }

  #keep(entry: RoomEvent | Relay): void {
    if (this.#backlog === NOTHING) this.#backlog = [entry]
    else if (this.#backlog.length < BACKLOG_ENTRIES) this.#backlog.push(entry)
    else if (!("kind" in entry)) this.#host.onDropped()
  }

  /** Whether the log has lost somebody who was let in: what comes after the answer to a join has to have it. */
  #hasLostJoiner(): boolean {
    for (const { answered, session, generation } of this.joiners.values()) {
      if (answered && this.members.get(session.peer)?.generation !== generation) return true
    }
    return false
  }

  /**
   * What of the backlog has to wait for the snapshot. Messages between members known before the hole need not, and are
   * not lost if one left in it. Of the events, the first `covered` came before the snapshot was asked for: one of another
   * epoch than its own is of a life of the room that is over, and to take it for a hole again would never end.
   */
  #deliverFromKnown(backlog: (RoomEvent | Relay)[], covered: number, epoch: string): (RoomEvent | Relay)[] {
    return backlog.filter((entry, index) => {
      if ("kind" in entry) return index >= covered || entry.epoch === epoch
      if (!this.members.has(entry.from) || !this.members.has(entry.to)) return true
      this.#host.deliver(entry)
      return false
    })
  }

  /** Made when it is needed: rooms are many, and most of the time nothing happens in them. */
  #hereTest(): (peer: PeerId, generation: number) => boolean {
    return (peer, generation) => this.#host.isHere(this, peer, generation)
  }
}
