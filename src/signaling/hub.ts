// This node's sessions and rooms. It is the store's RoomListener: what a room's log says becomes what clients see
// here, and nowhere else. Direct messages to a peer of this node never leave it.

import { CLOSE } from "../connections/close.ts"
import type { ErrorId } from "../dialects/palava/errors.ts"
import * as serverEvents from "../dialects/palava/server-events.ts"
import type { NodeId, PeerId, RoomKey } from "../rooms/ids.ts"
import type { Change } from "../rooms/replica.ts"
import {
  type Ref,
  type Relay,
  type RoomEvent,
  type RoomListener,
  type RoomStore,
  type StatusText,
  StoreUnavailable,
} from "../rooms/room-store.ts"
import { Clock, type Liveness } from "./clock.ts"
import { Counters } from "./counters.ts"
import type { Hooks, Observer } from "./hooks.ts"
import { EVERYONE, NOBODY_ASKED, Outbox, TO_PLUGIN } from "./outbox.ts"
import type { Joiner, RoomView, RoomViewHost } from "./room-view.ts"
import { RoomsHere } from "./rooms-here.ts"
import type { Session } from "./session.ts"
import type { Topics } from "./socket.ts"

/** 2 s: what is left of this node is taken out of the store within that, or swept by others. */
const STORE_CLOSE_MS = 2_000

/** What a session may do. */
export interface Limits extends Liveness {
  /** Most members of a room. */
  readonly roomSize: number
  /** Messages a second a connection may send on average; 0 is no limit. */
  readonly ratePerSecond: number
  /** Messages it may send at once after a pause. */
  readonly rateBurst: number
}

/** The part of a logger the core needs. */
export interface Log {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
}

/** What a hub is made of. */
export interface HubParts {
  readonly store: RoomStore
  readonly topics: Topics
  /** What the plug-ins do; without any, all else works. */
  readonly hooks?: Hooks
  readonly limits: Limits
  readonly log: Log
  /** Time itself; tests bring their own. */
  readonly clock?: Clock
}

/** See the head of this file. */
export class Hub implements RoomListener, RoomViewHost {
  readonly clock: Clock
  readonly counters = new Counters()
  readonly hooks: Hooks
  readonly limits: Limits
  readonly log: Log
  readonly #store: RoomStore
  readonly #topics: Topics
  /** Messages of the server itself, for plug-ins. */
  readonly outbox: Outbox
  readonly #observer: Observer
  /** Apart from the observer, for the relay path: one field that is undefined when nobody looks. */
  readonly #onRelayed: Observer["relayed"]
  readonly #sessions = new Map<PeerId, Session>()
  readonly #rooms: RoomsHere
  /** Joins under way, until they have landed or are undone. */
  readonly #joins = new Set<Promise<void>>()
  #isClosing = false

  constructor({ store, topics, hooks = {}, limits, log, clock = new Clock() }: HubParts) {
    this.clock = clock
    this.#store = store
    this.#topics = topics
    this.outbox = new Outbox(store, topics, this.#sessions)
    this.hooks = hooks
    this.#observer = hooks.observer ?? {}
    this.#onRelayed = hooks.observer?.relayed
    this.limits = limits
    this.log = log
    const { counters } = this
    this.#rooms = new RoomsHere({ store, sessions: this.#sessions, clock, counters, log, host: this })
  }

  /** Connects the store and starts the clock. */
  async start(): Promise<void> {
    await this.#store.start(this)
    this.clock.start(this.#sessions, this.limits, this.counters)
  }

  /** Open connections by peer id. */
  get sessions(): ReadonlyMap<PeerId, Session> {
    return this.#sessions
  }

  /** This node, as members are marked with it. */
  get node(): NodeId {
    return this.#store.node
  }

  /** Rooms with members at this node. */
  get roomCount(): number {
    return this.#rooms.size
  }

  /** A connection opened. */
  add(session: Session): void {
    this.counters.connectionsOpened++
    this.#sessions.set(session.peer, session)
    this.#observer.connected?.(session.peer)
  }

  /** A connection is gone: it leaves its room. A join under way is undone when it lands. */
  remove(session: Session): void {
    if (!this.#sessions.delete(session.peer)) return
    this.leave(session)?.catch((cause) => this.log.error({ err: cause }, "bug: a leave failed"))
    this.#observer.disconnected?.(session.peer)
  }

  /** Joins a room; the session gets `joined_room` or an error. */
  async join(session: Session, key: RoomKey, status: StatusText, ref: Ref): Promise<void> {
    if (this.#isClosing) return session.refuse("unavailable", ref)
    const join = this.#join(session, key, status, ref)
    this.#joins.add(join)
    await join.finally(() => this.#joins.delete(join))
  }

  async #join(session: Session, key: RoomKey, status: StatusText, ref: Ref): Promise<void> {
    const room = this.#rooms.open(key)
    // Kept for one who is leaving, with nobody else here, it may miss what happens until we are in.
    if (room.here === 0 && room.joiners.size === 0) room.suspend()
    const { peer } = session
    const generation = ++session.rev
    const request = {
      room: key,
      peer,
      generation,
      rev: generation,
      status,
      limit: this.limits.roomSize,
      ifTaken: "replace" as const,
    }
    const joined = new Promise<void>((resolve) => {
      room.addJoiner({ session, generation, ref, status, answered: false, onJoined: resolve })
    })
    const asked = room.received
    try {
      const result = await this.#store.join({ ...request, withSnapshot: !room.isLive })
      if (result.kind !== "joined") return session.refuse("room_full", ref)
      const joiner = room.joiners.get(peer)
      if (joiner === undefined) return
      joiner.answered = true
      if (result.snapshot !== undefined && !room.isLive) room.adopt(result.snapshot, asked)
      room.expect(result.position)
      await joined
    } catch (cause) {
      if (!(cause instanceof StoreUnavailable)) throw cause
      // It is in, or has been: only the answer was lost.
      if (!room.joiners.has(peer)) return
      // Whether the join happened is unknown: it is taken back.
      this.#rooms.leaveLater(room, peer, generation)
      session.refuse("unavailable", ref)
    } finally {
      room.removeJoiner(peer)
      if (session.isClosed && session.room !== room) await this.#rooms.leave(room, peer, generation)
      this.#rooms.dropIfUnused(room)
    }
  }

  /** Leaves the room, if in any: the client hears nothing of it any more from here on. */
  leave(session: Session): Promise<void> | undefined {
    const { room, peer, generation } = session
    if (room === undefined) return undefined
    session.room = undefined
    session.socket?.unsubscribe(room.topic)
    room.here--
    this.counters.leaves++
    this.#observer.left?.(peer, room.key, Date.now() - session.joinedAt)
    return this.#rooms.leave(room, peer, generation)
  }

  /** Replaces the session's status with the merged one. */
  async updateStatus(session: Session, room: RoomView, status: StatusText, ref: Ref): Promise<void> {
    const rev = ++session.rev
    try {
      let position = await this.#store.updateStatus(room.key, session.peer, rev, status)
      if (position === undefined && session.room === room) {
        // Our node was taken for dead and its members swept: claim the place back, then say it again.
        await this.#rooms.restore(room)
        position = await this.#store.updateStatus(room.key, session.peer, rev, status)
      }
      session.setStatus(rev, status)
      room.expect(position)
      this.#observer.statusUpdated?.(session.peer, room.key, status)
    } catch (cause) {
      if (!(cause instanceof StoreUnavailable)) throw cause
      session.refuse("unavailable", ref)
    }
  }

  /** Relays a ready-made frame to a member of the sender's room. On the hot path: no promise, no closure. */
  relay(session: Session, to: PeerId, text: string, ref: Ref): void {
    const room = session.room
    const target = this.#sessions.get(to)
    if (target !== undefined && target.room === room) {
      this.counters.relaysLocal++
      this.#topics.publish(target.topic, text)
      if (this.#onRelayed !== undefined) this.#onRelayed(session.peer, to, text.length)
      return
    }
    const member = room?.members.get(to)
    if (room === undefined || member === undefined || member.node === this.#store.node) {
      session.refuse("unknown_peer", ref)
      return
    }
    this.counters.relaysRemote++
    this.#store.relay(member.node, { room: room.key, from: session.peer, to, text }, ref)
    if (this.#onRelayed !== undefined) this.#onRelayed(session.peer, to, text.length)
  }

  /** A room with members at this node. */
  room(key: RoomKey): RoomView | undefined {
    const room = this.#rooms.get(key)
    return room !== undefined && room.here > 0 ? room : undefined
  }

  /** Whether `peer` is a member of `room` to whom messages can be sent. */
  isMember(room: RoomView, peer: unknown): peer is PeerId {
    const member = room.members.get(peer as PeerId)
    return member !== undefined && (member.node !== this.#store.node || this.#sessions.get(member.peer)?.room === room)
  }

  /** Whether a room has no place left. */
  async isFull(room: RoomKey): Promise<boolean> {
    try {
      return (await this.#store.snapshot(room)).members.length >= this.limits.roomSize
    } catch (cause) {
      if (cause instanceof StoreUnavailable) return false
      throw cause
    }
  }

  /** Tells every client that this node goes away in `seconds`. */
  announceShutdown(seconds: number): void {
    const text = serverEvents.shutdown(seconds)
    for (const session of this.#sessions.values()) session.send(text)
  }

  /** Leaves every room, then closes every connection with 1001, then lets go of the store. */
  async close(): Promise<void> {
    this.clock.stop()
    this.#isClosing = true
    const sessions = [...this.#sessions.values()]
    const leaveAll = () => Promise.allSettled(sessions.map((session) => this.leave(session)))
    await Promise.all([leaveAll(), Promise.allSettled(this.#joins)])
    // Joins that were under way have landed meanwhile.
    await leaveAll()
    for (const session of sessions) session.close(CLOSE.goingAway)
    await this.#store.close(STORE_CLOSE_MS)
    this.#rooms.close()
  }

  onRoomEvent(key: RoomKey, event: RoomEvent): void {
    this.#rooms.onEvent(key, event)
  }

  onRelay(relay: Relay): void {
    if (relay.to.startsWith(TO_PLUGIN)) {
      this.hooks.told?.(relay)
      return
    }
    const room = this.#rooms.get(relay.room)
    if (room === undefined) this.onDropped()
    else room.onRelay(relay)
  }

  onRelayFailed(from: PeerId, ref: Ref, error: ErrorId): void {
    if (ref === NOBODY_ASKED) return
    this.#sessions.get(from)?.refuse(error, ref)
  }

  onRoomOpened(room: RoomKey): void {
    this.counters.roomsOpened++
    this.#observer.roomOpened?.(room)
  }

  onSwept(): void {}

  onRoomClosed(room: RoomKey, peak: number, openMs: number): void {
    this.counters.roomsClosed++
    this.#observer.roomClosed?.(room, peak, openMs)
    this.counters.onRoomClosed(peak, openMs)
  }

  onResync(): Promise<void> {
    return this.#rooms.restoreAll()
  }

  isHere(room: RoomView, peer: PeerId, generation: number): boolean {
    const session = this.#sessions.get(peer)
    if (session !== undefined && session.room === room) return session.generation === generation
    const joiner = room.joiners.get(peer)
    return joiner?.answered === true && joiner.generation === generation
  }

  /** A newcomer of this node first hears `joined_room`, and only what comes after. */
  show(room: RoomView, change: Change): void {
    switch (change.kind) {
      case "joined": {
        const { peer, node, generation, status } = change.member
        const joiner = room.joiners.get(peer)
        if (joiner?.generation === generation) this.#welcome(room, joiner)
        this.#topics.publish(room.topic, serverEvents.newPeer(peer, status))
        if (joiner?.generation !== generation) {
          // A command that was given up has arrived after all: the log must not keep who is not here.
          if (node === this.#store.node) this.reclaim(room)
          return
        }
        joiner.session.socket?.subscribe(room.topic)
        if (joiner.session.room === room) this.#observer.joined?.(peer, room.key)
        return
      }
      case "left":
        this.#topics.publish(room.topic, serverEvents.peerLeft(change.peer))
        return
      case "status": {
        // Where the answer to update_status was lost, this is how the session learns what became of it.
        const session = this.#sessions.get(change.peer)
        if (session?.room === room) session.setStatus(change.rev, change.status)
        this.#topics.publish(room.topic, serverEvents.peerUpdatedStatus(change.peer, change.status))
      }
    }
  }

  deliver({ room: key, to, text }: Relay): void {
    const target = this.#sessions.get(to)
    const room = to === EVERYONE ? this.#rooms.get(key) : undefined
    if (target?.room?.key === key) this.#topics.publish(target.topic, text)
    else if (room !== undefined) this.#topics.publish(room.topic, text)
    else this.onDropped()
  }

  onDropped(): void {
    this.counters.relaysDropped++
  }

  heal(room: RoomView): void {
    this.#rooms.heal(room)
  }

  reclaim(room: RoomView): void {
    this.counters.reclaims++
    this.#rooms.restore(room).catch((cause) => this.log.error({ err: cause }, "bug: a restore failed"))
  }

  #welcome(room: RoomView, { session, generation, ref, status, onJoined }: Joiner): void {
    room.removeJoiner(session.peer)
    onJoined()
    // Closed meanwhile: join(), which waits for this, takes it out again.
    if (session.isClosed) return
    session.room = room
    session.generation = generation
    session.setStatus(generation, status)
    room.here++
    session.joinedAt = Date.now()
    this.counters.joins++
    const more = this.hooks.joinedFields?.(session, room)
    session.send(serverEvents.joinedRoom(session.peer, room.members.values(), more, ref))
  }
}
