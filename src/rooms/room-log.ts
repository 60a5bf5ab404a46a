// The log of one room as it comes in at this node: the replica, and what waits while it is loaded or repaired. It decides
// what becomes visible and when; showing it is the room's part (room.ts).
//
// Until the first snapshot, and again when a gap in the log is found, everything that comes in waits in the backlog, in
// order. The snapshot is shown as differences, then the backlog is applied on top. A message that came faster than the part
// of the log before it waits there, too, and those behind it.

import type { Clock } from "../clock.ts"
import type { ReadonlyPeerList } from "./peer-list.ts"
import { type Change, Replica } from "./replica.ts"
import type { Member, Position, Relay, RoomEvent, RoomSnapshot } from "./room-store.ts"

/** 10,000 entries: a repair takes one round trip; past this, events are dropped and the next gap repairs again. */
const BACKLOG_ENTRIES = 10_000

/** 500 ms: a reply's own event comes over the other connection within a few; later, it was lost. */
const EVENT_WAIT_MS = 500

// Shared by all rooms in which nothing waits, which is most of them: an empty list of each room's own is 50 bytes. Never
// changed, only replaced.
const NOTHING: (RoomEvent | Relay)[] = []

/** See the head of this file. */
export abstract class RoomLog {
  readonly #replica = new Replica()
  #state: "loading" | "live" | "closed" = "loading"
  #backlog = NOTHING
  /** Entries that have left the backlog. */
  #released = 0
  /** The wait for the event of which a reply spoke, and the last position of which one spoke since. */
  #watch: { readonly cancel: () => void; last: Position } | undefined

  protected abstract readonly clock: Clock
  /** Whether it is a live member of this node, or one whose join was answered. */
  protected abstract isHere(member: Member): boolean
  /** A change becomes visible. */
  protected abstract show(change: Change): void
  /** A message for a peer of this node; its sender is a member. */
  protected abstract deliver(relay: Relay): void
  /** A message was dropped: its sender is no member any more. */
  protected abstract onDropped(): void
  /** The log has a gap: fetch a snapshot and adopt it. */
  protected abstract repair(): void
  /** The log has taken a live member of this node: restore the room and adopt the answer. */
  protected abstract reclaim(): void
  /** Whether anybody of this node is in the room. */
  protected abstract isHeard(): boolean
  /** Parts from those whose join was answered, and in whose place the log has another of the same identity. */
  protected abstract partFromReplaced(): void
  /** Whether the log has lost somebody whose join was answered. */
  protected abstract hasLostJoiner(): boolean

  /** Members as this node knows them, oldest first. */
  get members(): ReadonlyPeerList<Member> {
    return this.#replica.members
  }

  /** How far this node knows the log. */
  get position(): Position {
    return this.#replica.position
  }

  /** How far this node has heard of the log, in it or by a reply; undefined while it waits for a snapshot. */
  get known(): Position | undefined {
    if (!this.isLive) return undefined
    const last = this.#watch?.last
    return last === undefined || this.#replica.hasReached(last) ? this.#replica.position : last
  }

  /** Whether the replica follows the log; else it waits for a snapshot. */
  get isLive(): boolean {
    return this.#state === "live"
  }

  /** What comes from here on waits for the next snapshot. */
  suspend(): void {
    if (this.#state === "live") this.#state = "loading"
  }

  /**
   * The store may have come back with older data than it had: whatever it says next of this room is taken as new, at
   * whatever epoch and seq. What has come in before is of no use any more, but for messages between peers.
   */
  forgetPlace(): void {
    this.suspend()
    this.#unwatch()
    this.#replica.forgetPlace()
    const kept = this.#backlog.filter((entry) => !("kind" in entry))
    this.#released += this.#backlog.length - kept.length
    this.#backlog = kept.length === 0 ? NOTHING : kept
  }

  /** The next thing of the room's log. */
  onEvent(event: RoomEvent): void {
    const place = this.isLive ? this.#replica.placeOf(event) : "later"
    if (place === "later") this.#keep(event)
    else if (place === "next") this.#apply(event)
    else if (place === "gap") {
      this.suspend()
      this.#keep(event)
      this.repair()
    } else if (this.#replica.isUnseenFrame(event)) this.show(event)
  }

  /** A message from another node, in order with the events, or ahead of those that it is for after. */
  onRelay(relay: Relay): void {
    if (this.isLive && this.#backlog.length === 0 && this.#isDue(relay)) this.#pass(relay)
    else {
      this.#keep(relay)
      if (this.isLive) this.expect(relay.after)
    }
  }

  /** How much has come into the backlog so far: a snapshot asked for now has all of it behind it. */
  get received(): number {
    return this.#released + this.#backlog.length
  }

  /**
   * A snapshot: shows what is different, then what waited. One that the log has overtaken on its way says nothing new,
   * and what comes for a room that is closed is not for those who have opened the next one.
   * @param asked what `received` was when the snapshot was asked for
   */
  adopt(snapshot: RoomSnapshot, asked: number): void {
    if (this.#state === "closed" || this.#replica.isPast(snapshot)) return
    const covered = asked - this.#released
    this.#released += this.#backlog.length
    const backlog = this.#takeBacklog(covered, snapshot.epoch)
    this.#backlog = NOTHING
    this.#state = "live"
    // Replies keep their order: every position of which one spoke before this is in the snapshot.
    this.#unwatch()
    const reclaim = this.#replica.adopt(snapshot, this.#hereTest(), (change) => this.show(change), this.isHeard())
    for (const entry of backlog) {
      if ("kind" in entry) this.onEvent(entry)
      else this.onRelay(entry)
    }
    this.#findJoiners(reclaim)
  }

  /**
   * The store has said yes to a join, at `position`. Where a snapshot of later is here already, the answer was on its way
   * for longer, and nothing more will be heard of the join.
   */
  onJoinAnswered(position: Position): void {
    if (this.isLive && this.#replica.hasReached(position)) this.#findJoiners(false)
    else this.expect(position)
  }

  #findJoiners(reclaim: boolean): void {
    this.partFromReplaced()
    if (reclaim || this.hasLostJoiner()) this.reclaim()
  }

  /** A reply or a message speaks of `position`: when its event does not come, it was lost, and the room is repaired. */
  expect(position: Position | undefined): void {
    if (position === undefined || this.#replica.hasReached(position)) return
    if (this.#watch !== undefined) {
      const { last } = this.#watch
      if (last.epoch !== position.epoch || last.seq < position.seq) this.#watch.last = position
      return
    }
    const cancel = this.clock.after(EVENT_WAIT_MS, () => {
      const last = this.#watch?.last
      this.#watch = undefined
      if (this.#replica.hasReached(position)) return this.expect(last)
      this.suspend()
      this.repair()
    })
    this.#watch = { cancel, last: position }
  }

  /** Nobody of this node is in the room any more. */
  close(): void {
    this.#state = "closed"
    this.#unwatch()
  }

  #unwatch(): void {
    this.#watch?.cancel()
    this.#watch = undefined
  }

  #apply(event: RoomEvent): void {
    if (event.kind === "frame") {
      this.#replica.pass(event)
      this.show(event)
      return
    }
    const { change, reclaim } = this.#replica.apply(event, this.#hereTest())
    if (change !== undefined) this.show(change)
    if (this.isLive && this.#backlog.length > 0) this.#passDue()
    if (reclaim) this.reclaim()
  }

  #isDue({ after }: Relay): boolean {
    return after === undefined || this.#replica.hasReached(after)
  }

  #pass(relay: Relay): void {
    if (this.members.has(relay.from)) this.deliver(relay)
    else this.onDropped()
  }

  /** The log has come to those that waited for it. */
  #passDue(): void {
    const waiting = this.#backlog.findIndex((entry) => "kind" in entry || !this.#isDue(entry))
    const due = this.#backlog.slice(0, waiting < 0 ? this.#backlog.length : waiting) as Relay[]
    this.#backlog = waiting < 0 ? NOTHING : this.#backlog.slice(waiting)
    this.#released += due.length
    for (const relay of due) this.#pass(relay)
  }

  #keep(entry: RoomEvent | Relay): void {
    if (this.#backlog === NOTHING) this.#backlog = [entry]
    else if (this.#backlog.length < BACKLOG_ENTRIES) this.#backlog.push(entry)
    else if (!("kind" in entry)) this.onDropped()
  }

  /**
   * What of the backlog has to wait for the snapshot. Messages between members known before the gap need not, and are
   * not lost if one left in it, unless one waits that came before. The first `covered` entries came before the snapshot was asked for: what a message of them
   * is for after is in it, and an event of another epoch than its own is of a life of the room that is over; to take it for
   * a gap again would never end.
   */
  #takeBacklog(covered: number, epoch: string): (RoomEvent | Relay)[] {
    let isAhead = false
    return this.#backlog.flatMap((entry, index) => {
      const isCovered = index < covered
      if ("kind" in entry) return !isCovered || entry.epoch === epoch ? entry : []
      isAhead ||= !this.#isDue(entry)
      if (isAhead || !this.members.has(entry.from) || !this.members.has(entry.to)) {
        return isCovered ? { ...entry, after: undefined } : entry
      }
      this.deliver(entry)
      return []
    })
  }

  /** Made when it is needed: rooms are many, and most of the time nothing happens in them. */
  #hereTest(): (member: Member) => boolean {
    return (member) => this.isHere(member)
  }
}
