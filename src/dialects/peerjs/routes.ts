// The way of messages to peers that are not at this node. Where a peer is, the store knows; a node asks once, when it has
// something to say, and then says it to that node until it comes back: the peer has gone, or moved.
//
//   asking     the store is being asked; what is sent meanwhile waits
//   known      at that node; what is sent goes there at once
//   absent     nowhere; what is important waits, and the store is asked again until the messages expire
//   returning  something came back: what is sent waits until all that was under way has come back too, which a mark
//              behind it tells, so that no message passes another of its sender
//
// A node that is told something for a peer it does not have gives it back, marks included.

import type { Clock } from "../../clock.ts"
import type { Announcer } from "../../rooms/announcer.ts"
import type { CrossRelays } from "../../rooms/cross-relays.ts"
import type { NodeId, PeerId, RoomKey } from "../../rooms/ids.ts"
import type { Member } from "../../rooms/room-store.ts"
import { readObject } from "../json.ts"
import { PASSED } from "./frame.ts"
import { makeRoute, type Route } from "./route.ts"
import { type Message, type Sender, WaitingRoom } from "./waiting.ts"

/** 5 s, as the original: then a sender is told, once, that the peer is not there. */
const EXPIRE_MS = 5_000

/** 250 ms: how long after its arrival at another node a peer may wait for what waits for it; at most 20 questions each. */
const TICK_MS = 250

/** 500 questions a tick: what one connection to Redis answers on the side. */
const QUESTIONS_PER_TICK = 500

/** 3 s for a mark to come back; a node that is gone is known after 2. */
const MARK_MS = 3_000

/** 5 s, then a way is asked for again if it was used, else forgotten: a machine without power gives nothing back. */
const KNOWN_MS = 5_000

/** 20,000 peers elsewhere that this node speaks with at a time. */
const MOST_ROUTES = 20_000

/** What they are made of. */
export interface RoutesParts {
  readonly clock: Clock
  readonly node: NodeId
  readonly announcer: Pick<Announcer, "membersOf">
  readonly crossRelays: CrossRelays
  /** The room that a peer is. */
  readonly toRoom: (id: string) => RoomKey
  /** Delivers to a peer of this node, if it is there. */
  readonly deliver: (id: string, message: Message) => void
  /** Delivers what another node says to the peer whose room it is. @returns false when it is not at this node */
  readonly deliverTo: (room: RoomKey, text: string) => boolean
  /** The peer of this node that sent something. */
  readonly senderOf: (id: string) => Sender | undefined
  /** Tells the sender that the peer is not there. */
  readonly expire: (id: string, sender: Sender) => void
}

/** See the head of this file. */
export class Routes {
  readonly #parts: RoutesParts
  readonly #byId = new Map<string, Route>()
  readonly #byRoom = new Map<RoomKey, Route>()
  readonly #waiting = new WaitingRoom()
  readonly #toDeliver: PeerId
  readonly #toTakeBack: PeerId
  readonly #toMark: PeerId
  readonly #toTakeMark: PeerId
  #now = 0
  #isTicking = false

  constructor(parts: RoutesParts) {
    this.#parts = parts
    const { crossRelays } = parts
    const nobody = (): void => {}
    this.#toDeliver = crossRelays.listen("peerjs deliver", {
      onTold: (room, from, text) => {
        if (!parts.deliverTo(room, text)) crossRelays.tell(from, this.#toTakeBack, room, text)
      },
      onFailed: (room, text) => this.#onReturned(room, text),
    })
    this.#toTakeBack = crossRelays.listen("peerjs return", {
      onTold: (room, _from, text) => this.#onReturned(room, text),
      onFailed: nobody,
    })
    this.#toMark = crossRelays.listen("peerjs mark", {
      onTold: (room, from) => crossRelays.tell(from, this.#toTakeMark, room, ""),
      onFailed: (room) => this.#onMark(room),
    })
    this.#toTakeMark = crossRelays.listen("peerjs marked", { onTold: (room) => this.#onMark(room), onFailed: nobody })
  }

  /** Messages that wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** What they take, at most. */
  get waitingBytes(): number {
    return this.#waiting.bytes
  }

  /** Sends to a peer that is not at this node. */
  send(id: string, message: Message): void {
    const route = this.#byId.get(id) ?? this.#open(id)
    if (route === undefined) this.#giveUp(id, message)
    else this.#pass(route, message)
  }

  /** A peer has come to this node: it gets what waits for it, and what is under way to where it was. */
  onArrival(id: string): void {
    const route = this.#byId.get(id)
    if (route?.state === "known") this.#takeBack(route)
    else if (route !== undefined && route.state !== "returning") this.#deliverHere(route)
  }

  /** Whether something is still under way for a peer of this node: what is sent to it goes behind that. */
  has(id: string): boolean {
    return this.#byId.size > 0 && this.#byId.has(id)
  }

  #open(id: string): Route | undefined {
    if (this.#byId.size >= MOST_ROUTES) return undefined
    if (!this.#isTicking) this.#tickSoon()
    const route = makeRoute(id, this.#parts.toRoom(id), this.#now)
    this.#byId.set(id, route)
    this.#byRoom.set(route.room, route)
    this.#ask(route)
    return route
  }

  #close(route: Route): void {
    this.#byId.delete(route.id)
    this.#byRoom.delete(route.room)
  }

  #pass(route: Route, message: Message): void {
    const { sender, text, isImportant } = message
    route.usedAt = this.#now
    if (route.state === "known") {
      const { crossRelays } = this.#parts
      crossRelays.passed(sender.peer, route.peer as PeerId, text)
      crossRelays.tell(route.node as NodeId, this.#toDeliver, route.room, text)
    } else if (isImportant || route.state !== "absent") this.#keep(route, route.waiting, message)
  }

  #keep(route: Route, list: Message[], message: Message): void {
    if (this.#waiting.add(list, message)) route.waitsSince ??= this.#parts.clock.monotonicMs()
    else this.#giveUp(route.id, message)
  }

  #giveUp(id: string, { isImportant, sender }: Message): void {
    if (isImportant) this.#parts.expire(id, sender)
  }

  #setState(route: Route, state: Route["state"]): void {
    route.state = state
    route.since = this.#now
  }

  #ask(route: Route): void {
    this.#setState(route, "asking")
    this.#parts.announcer.membersOf(route.room).then(
      ([owner]) => this.#onAnswer(route, owner),
      () => this.#onAnswer(route, undefined),
    )
  }

  /** Whether a peer is still where it was; meanwhile it is taken to be. */
  #askAgain(route: Route): void {
    this.#setState(route, "known")
    this.#parts.announcer.membersOf(route.room).then(
      ([owner]) => {
        const isKnown = route.state === "known" && this.#byId.get(route.id) === route
        if (isKnown && owner?.node !== route.node) this.#takeBack(route)
      },
      () => {},
    )
  }

  #onAnswer(route: Route, owner: Member | undefined): void {
    if (route.state !== "asking" || this.#byId.get(route.id) !== route) return
    const { doubted } = route
    route.doubted = undefined
    // One of ours is on its way in or out: it will be told of, or is gone at the next question.
    if (owner === undefined || owner.node === this.#parts.node || owner.node === doubted) {
      this.#setState(route, "absent")
      const messages = this.#waiting.empty(route.waiting)
      for (const message of messages) if (message.isImportant) this.#waiting.add(route.waiting, message)
      if (route.waiting.length === 0) this.#close(route)
      return
    }
    route.node = owner.node
    route.peer = owner.peer
    this.#setState(route, "known")
    for (const message of this.#waiting.empty(route.waiting)) this.#pass(route, message)
  }

  /** Something did not reach the peer where it was. */
  #onReturned(room: RoomKey, text: string): void {
    const fields = readObject(text) as { type: string; src: string; dst: string } | undefined
    if (fields === undefined) return
    const { type, src, dst } = fields
    const sender = this.#parts.senderOf(src) ?? { id: src, peer: src as PeerId, waiting: 0 }
    const message = { sender, isImportant: PASSED[type]?.isImportant === true, text }
    const route = this.#byRoom.get(room) ?? this.#open(dst)
    if (route?.state === "known") this.#takeBack(route)
    if (route === undefined) this.#giveUp(dst, message)
    else this.#keep(route, route.state === "returning" ? route.returned : route.waiting, message)
  }

  #takeBack(route: Route): void {
    const { node } = route
    this.#setState(route, "returning")
    route.doubted = node
    this.#parts.crossRelays.tell(node as NodeId, this.#toMark, route.room, "")
  }

  /** All that was under way has come back. */
  #onMark(room: RoomKey): void {
    const route = this.#byRoom.get(room)
    if (route?.state !== "returning") return
    // What has waited has its place already.
    const messages = [...this.#waiting.empty(route.returned), ...this.#waiting.empty(route.waiting)]
    for (const message of messages) this.#keep(route, route.waiting, message)
    if (!this.#deliverHere(route)) this.#ask(route)
  }

  /** Delivers what waits to the peer, if it is at this node. @returns whether it is */
  #deliverHere(route: Route): boolean {
    const { deliver, senderOf } = this.#parts
    if (senderOf(route.id) === undefined) return false
    this.#close(route)
    for (const message of this.#waiting.empty(route.waiting)) deliver(route.id, message)
    return true
  }

  #tickSoon(): void {
    this.#isTicking = true
    this.#now = this.#parts.clock.monotonicMs()
    this.#parts.clock.after(TICK_MS, () => this.#tick())
  }

  #tick(): void {
    this.#now = this.#parts.clock.monotonicMs()
    let questions = 0
    for (const route of this.#byId.values()) {
      const isWaiting = route.waiting.length > 0 || route.returned.length > 0
      if (isWaiting && this.#now - (route.waitsSince ?? this.#now) >= EXPIRE_MS) this.#expire(route)
      else if (route.state === "returning" && this.#now - route.since >= MARK_MS) this.#onMark(route.room)
      else if (route.state === "absent" && questions++ < QUESTIONS_PER_TICK) this.#ask(route)
      else if (route.state === "known") {
        if (this.#now - route.since >= MARK_MS) route.waitsSince = undefined
        if (this.#now - route.since < KNOWN_MS) continue
        if (route.usedAt <= route.since) this.#close(route)
        else if (questions++ < QUESTIONS_PER_TICK) this.#askAgain(route)
      }
    }
    this.#isTicking = false
    if (this.#byId.size > 0) this.#tickSoon()
  }

  /** Each sender is told once. */
  #expire(route: Route): void {
    this.#close(route)
    const messages = [...this.#waiting.empty(route.returned), ...this.#waiting.empty(route.waiting)]
    const told = new Set<string>()
    for (const { sender, isImportant } of messages) {
      if (!isImportant || told.has(sender.id)) continue
      told.add(sender.id)
      this.#parts.expire(route.id, sender)
    }
  }
}
