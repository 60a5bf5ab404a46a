// A client that believes nothing: it keeps the room as the events tell it, and fails at the first event that breaks one
// of the guarantees in protocol.md, "Order". What it knows at the end is compared with the truth.

import type { Connection } from "../../src/connections/connection.ts"
import type { PeerId, RoomKey } from "../../src/rooms/ids.ts"
import { toRoomKey } from "../../src/rooms/ids.ts"
import type { RoomEvent } from "../../src/rooms/room-store.ts"
import { connectPlain, type PlainNode } from "../helpers/plain-node.ts"

/** Errors that any random request may meet. */
export const EXPECTED_ERRORS = new Set([
  "already_joined",
  "room_full",
  "not_in_room",
  "unknown_peer",
  "peer_unreachable",
  "unavailable",
])

/** A broken guarantee. */
class Violation extends Error {}

/** What a client needs of the world around it. */
export interface Surroundings {
  readonly node: PlainNode
  /** A room's log so far, while every event of it must reach this client; undefined while faults excuse differences. */
  logOf(room: RoomKey): readonly RoomEvent[] | undefined
  /** A guarantee was broken. */
  report(what: string): void
  /** Keeps a line for the story of a failure. */
  trace(line: string): void
}

/** What a client sent last and has had no answer to. */
interface Request {
  readonly event: string
  readonly room?: string
  readonly v?: number
  /** A ping: the status change it was sent behind, which has no answer of its own when it succeeds. */
  readonly update?: string
}

/** One relayed message between two memberships. */
export interface SentRelay {
  readonly to: SimulatedClient
  readonly n: number
  readonly fromStay: number
  readonly toStay: number
}

type Frame = { event: string } & Record<string, unknown>

/** See the head of this file. */
export class SimulatedClient {
  readonly name: string
  readonly #connection: Connection
  /** The room's id while it is in one. */
  room: string | undefined
  /** Peer → its `v`, as the events say; without itself. */
  readonly view = new Map<PeerId, number>()
  /** The own `v` as others are shown it. */
  shown = 0
  /** Values of `v` sent, and neither shown nor refused yet. */
  readonly unshown = new Set<number>()
  /** Counts how often it was in a room, so a relay knows for which stay it was meant. */
  stay = 0
  isClosed = false
  readonly requests = new Map<string, Request>()
  readonly sent: SentRelay[] = []
  /** From peer → numbers received. */
  readonly heard = new Map<PeerId, number[]>()
  /** The room's log while its node has had no fault: every event has to be the next of it. */
  log: { readonly events: readonly RoomEvent[]; next: number } | undefined
  #numbers = 0
  readonly #around: Surroundings
  readonly #onEnd: () => void

  constructor(name: string, around: Surroundings) {
    this.name = name
    this.#around = around
    const peer = { onText: (text: string) => this.#onText(text), onClose: () => this.close() }
    const { connection, drop } = connectPlain(around.node, peer)
    this.#connection = connection
    this.#onEnd = drop
  }

  get peer(): PeerId {
    return this.#connection.id as PeerId
  }

  join(room: string, v: number): void {
    const ref = this.#request({ event: "join_room", room, v })
    this.#send({ event: "join_room", room_id: room, status: { v }, ref })
  }

  leave(): void {
    this.#send({ event: "leave_room" })
    this.#send({ event: "ping", ref: this.#request({ event: "leave_room" }) })
  }

  updateStatus(v: number): void {
    this.unshown.add(v)
    const update = this.#request({ event: "update_status", v })
    this.#send({ event: "update_status", status: { v }, ref: update })
    this.#send({ event: "ping", ref: this.#request({ event: "ping", update }) })
  }

  relay(to: SimulatedClient, n: number): void {
    const mustArrive = to.room === this.room && (to === this || this.view.has(to.peer))
    if (mustArrive) this.sent.push({ to, n, fromStay: this.stay, toStay: to.stay })
    const data = { event: "message", n, to: to.peer }
    if (n % 2 === 0) this.#send({ event: "send_to_peer", peer_id: to.peer, data })
    else this.#send({ event: "send_to_peer", peer_id: to.peer, data, ref: `relay ${n}` })
  }

  /** The connection ends, whoever ended it. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.room = undefined
    this.#onEnd()
    this.#connection.onClose(1000)
  }

  /** The node has crashed: nobody hears that this connection ended. */
  vanish(): void {
    this.isClosed = true
    this.room = undefined
    this.#onEnd()
  }

  /** From here on every event must be the next of the room's log again. */
  followLog(): void {
    const events = this.room === undefined ? undefined : this.#around.logOf(toRoomKey(this.room))
    this.log = events === undefined ? undefined : { events, next: events.length }
  }

  #request(request: Request): string {
    const ref = `${request.event} ${++this.#numbers}`
    this.requests.set(ref, request)
    return ref
  }

  #send(message: object): void {
    const text = JSON.stringify(message)
    this.#around.trace(`${this.name} > ${text}`)
    this.#connection.onMessage(text)
  }

  #fail(what: string): never {
    throw new Violation(what)
  }

  #onText(text: string): void {
    if (this.isClosed) return
    this.#around.trace(`  ${this.name} < ${text}`)
    try {
      this.#onEvent(JSON.parse(text) as Frame)
    } catch (cause) {
      this.#around.report(`${this.name}: ${cause instanceof Violation ? cause.message : (cause as Error).stack}`)
    }
  }

  #onEvent(frame: Frame): void {
    switch (frame.event) {
      case "joined_room":
        this.#onJoinedRoom(frame)
        break
      case "new_peer":
        this.#onNewPeer(frame["peer_id"] as PeerId, vOf(frame))
        break
      case "peer_left":
        this.#onPeerLeft(frame["sender_id"] as PeerId)
        break
      case "peer_updated_status":
        this.#onStatus(frame["sender_id"] as PeerId, vOf(frame))
        break
      case "message":
        this.#onRelayed(frame["sender_id"] as PeerId, frame["to"] as PeerId, frame["n"] as number)
        break
      case "pong":
        this.#onPong(frame["ref"] as string)
        break
      case "error":
        this.#onError(frame)
        break
      default:
        this.#fail(`unknown event ${frame.event}`)
    }
  }

  #onJoinedRoom(frame: Frame): void {
    const request = this.#answered(frame["ref"] as string)
    if (request.event !== "join_room" || this.room !== undefined) this.#fail("joined_room out of turn")
    if (frame["own_id"] !== this.peer) this.#fail("joined_room with another own_id")
    this.room = request.room
    this.stay++
    this.shown = request.v ?? 0
    this.unshown.clear()
    this.view.clear()
    for (const { peer_id, status } of frame["peers"] as { peer_id: PeerId; status: { v: number } }[]) {
      if (this.view.has(peer_id)) this.#fail(`joined_room names ${peer_id} twice`)
      if (peer_id === this.peer) this.#fail("joined_room names the newcomer")
      this.view.set(peer_id, status.v)
    }
    this.followLog()
    if (this.log === undefined) return
    const { events } = this.log
    this.log.next = 1 + events.findLastIndex((event) => event.kind === "joined" && event.member.peer === this.peer)
    const members = new Map<PeerId, number>()
    for (const event of events.slice(0, this.log.next)) {
      if (event.kind === "joined") members.set(event.member.peer, vOfText(event.member.status))
      else if (event.kind === "left") members.delete(event.peer)
      else if (event.kind === "status") members.set(event.peer, vOfText(event.status))
    }
    members.delete(this.peer)
    if (!isSame(members, this.view)) this.#fail("joined_room differs from the room's log")
  }

  #onNewPeer(peer: PeerId, v: number): void {
    this.#inRoom("new_peer")
    if (peer === this.peer) this.#fail("new_peer for itself")
    if (this.view.has(peer)) this.#fail(`new_peer twice for ${peer}`)
    this.view.set(peer, v)
    this.#followed((event) => event.kind === "joined" && event.member.peer === peer)
  }

  #onPeerLeft(peer: PeerId): void {
    this.#inRoom("peer_left")
    if (!this.view.delete(peer)) this.#fail(`peer_left for ${peer}, who was not there`)
    this.#followed((event) => event.kind === "left" && event.peer === peer)
  }

  #onStatus(peer: PeerId, v: number): void {
    this.#inRoom("peer_updated_status")
    if (peer === this.peer) {
      this.shown = v
      // A repaired room shows only the last of several changes.
      for (const older of this.unshown) if (older <= v) this.unshown.delete(older)
    } else if (this.view.has(peer)) this.view.set(peer, v)
    else this.#fail(`status of ${peer}, who is not there`)
    this.#followed((event) => event.kind === "status" && event.peer === peer && vOfText(event.status) === v)
  }

  #onRelayed(from: PeerId, to: PeerId, n: number): void {
    this.#inRoom("a relayed message")
    if (to !== this.peer) this.#fail(`a message for ${to}`)
    if (from !== this.peer && !this.view.has(from)) this.#fail(`a message from ${from}, who is not there`)
    const heard = this.heard.get(from)
    if (heard === undefined) this.heard.set(from, [n])
    else if (n <= (heard.at(-1) ?? 0)) this.#fail(`message ${n} of ${from} after ${heard.at(-1)}`)
    else heard.push(n)
  }

  #onPong(ref: string): void {
    const { event, update } = this.#answered(ref)
    if (update !== undefined) this.requests.delete(update)
    if (event !== "leave_room") return
    this.room = undefined
    this.stay++
    this.view.clear()
    this.unshown.clear()
    this.log = undefined
  }

  #onError({ id, ref }: Frame): void {
    if (!EXPECTED_ERRORS.has(id as string)) this.#fail(`error ${id}`)
    if (typeof ref !== "string" || ref.startsWith("relay")) return
    const { event, v } = this.#answered(ref)
    if (event === "update_status" && v !== undefined) this.unshown.delete(v)
  }

  #inRoom(what: string): void {
    if (this.room === undefined) this.#fail(`${what} outside of a room`)
  }

  #followed(isNext: (event: RoomEvent) => boolean): void {
    if (this.log === undefined) return
    const event = this.log.events[this.log.next++]
    if (event === undefined || !isNext(event)) this.#fail(`the log goes on with ${JSON.stringify(event)}`)
  }

  #answered(ref: string): Request {
    const request = this.requests.get(ref)
    if (request === undefined) this.#fail(`an answer nobody asked for: ${ref}`)
    this.requests.delete(ref)
    return request
  }
}

/** Whether two views name the same peers with the same status. */
export function isSame(a: ReadonlyMap<PeerId, number>, b: ReadonlyMap<PeerId, number>): boolean {
  return a.size === b.size && [...a].every(([peer, v]) => b.get(peer) === v)
}

/** The `v` of a status. */
export function vOfText(status: string): number {
  return (JSON.parse(status) as { v: number }).v
}

function vOf(frame: Frame): number {
  return (frame["status"] as { v: number }).v
}
