// A client of the executable that believes nothing and gives up never: it checks every event against the guarantees of
// protocol.md, "Order", and when its connection ends it comes back at another node, by the rules of our own client.

import { comesBack, retryDelay } from "../../src/client/backoff.ts"
import { EXPECTED_ERRORS } from "../fuzz/simulated-client.ts"
import type { WireEvent } from "./client.ts"
import { ClientView } from "./client-view.ts"

/** 20 ms, doubling up to 300 ms: what real clients do, in a twenty-fifth of their time. */
const RETRY = { firstMs: 20, longestMs: 300 }

/** One message to another client. */
export interface LiveMessage {
  readonly number: number
  readonly from: LiveClient
  readonly to: LiveClient
  /** Whether both were at one node: then nothing outside of it can keep the message from arriving. */
  readonly isInside: boolean
  /** The stays of both when it was sent, if they were in the same room: if these last, it has to arrive. */
  readonly stays: readonly [from: number, to: number] | undefined
}

/** What a client needs of the world around it. */
export interface LiveWorld {
  /** Where to connect now: what a load balancer would choose. */
  nextUrl(): string
  /** A guarantee was broken. */
  report(what: string): void
  /** Keeps a line for the story of a failure. */
  trace(line: string): void
  /** The client was told that `peer` has left. */
  onPeerLeft(peer: string): void
}

/** See the head of this file. */
export class LiveClient {
  readonly name: string
  /** The node it is connected to. */
  url = ""
  view = new ClientView()
  /** The room it is in, as the answers tell. */
  room: string | undefined
  /** Grows whenever it enters or leaves a room; odd while it is inside and has not asked to leave. */
  stay = 0
  /** What it asked for and has had no answer to. */
  waitsFor: string | undefined
  /** Its status as it was last shown itself. */
  value = 0
  /** Numbers of the messages heard, of all connections together. */
  readonly heard = new Set<number>()
  /** Numbers of the messages refused; those sent the short way are only counted. */
  readonly refused = new Set<number>()
  refusedUnnamed = 0
  readonly #world: LiveWorld
  #socket: WebSocket | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #attempt = 0
  #requests = 0
  #joinValue = 0
  /** The last number heard of each sender, over this connection. */
  #last = new Map<string, number>()

  constructor(name: string, world: LiveWorld) {
    this.name = name
    this.#world = world
    this.#dial()
  }

  /** Whether it can be asked for something. */
  get isReady(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN && this.waitsFor === undefined
  }

  join(room: string, value: number): void {
    this.#joinValue = value
    this.#ask({ event: "join_room", room_id: room, status: { value } }, `join_room ${room}`)
  }

  leave(): void {
    this.#send({ event: "leave_room" })
    this.#endStay()
    this.#ask({ event: "ping" }, "leave_room")
  }

  updateStatus(value: number): void {
    this.#send({ event: "update_status", status: { value }, ref: "status" })
    this.#ask({ event: "ping" }, "update_status")
  }

  /** Sends a message, half of them the short way. */
  relay(to: LiveClient, number: number): LiveMessage {
    const ref = number % 2 === 0 ? {} : { ref: `relay ${number}` }
    this.#send({ event: "send_to_peer", peer_id: to.view.ownId, data: { event: "message", number }, ...ref })
    const areInOneRoom = to.room === this.room && to.stay % 2 === 1
    const stays = areInOneRoom ? ([this.stay, to.stay] as const) : undefined
    return { number, from: this, to, isInside: to.url === this.url, stays }
  }

  /** Drops the connection, without a word, and comes back. */
  drop(): void {
    this.#socket?.terminate()
  }

  /** Ends for good. */
  close(): void {
    clearTimeout(this.#timer)
    const socket = this.#socket
    if (socket === undefined) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
  }

  #dial(): void {
    this.url = this.#world.nextUrl()
    const socket = new WebSocket(this.url)
    this.#socket = socket
    socket.onopen = () => {
      this.view = new ClientView()
      this.#last = new Map()
    }
    socket.onmessage = ({ data }) => this.#onText(data as string)
    socket.onclose = ({ code }) => {
      this.#world.trace(`${this.name} closed with ${code}`)
      this.#endStay()
      this.room = undefined
      this.waitsFor = undefined
      if (comesBack(code)) this.#timer = setTimeout(() => this.#dial(), retryDelay(this.#attempt++, RETRY, code))
      else this.#world.report(`${this.name} was closed for good with ${code}`)
    }
  }

  #endStay(): void {
    if (this.stay % 2 === 1) this.stay++
  }

  #ask(message: object, what: string): void {
    this.waitsFor = `${what} #${++this.#requests}`
    this.#send({ ...message, ref: this.waitsFor })
  }

  #send(message: object): void {
    const text = JSON.stringify(message)
    this.#world.trace(`${this.name} > ${text}`)
    this.#socket?.send(text)
  }

  #onText(text: string): void {
    this.#world.trace(`  ${this.name} < ${text}`)
    this.#attempt = 0
    try {
      this.#onEvent(JSON.parse(text) as WireEvent)
    } catch (cause) {
      this.#world.report(`${this.name}: ${(cause as Error).message}`)
    }
  }

  #onEvent(event: WireEvent): void {
    const { ref } = event
    if (event.event === "message") this.#onMessage(event)
    if (event.event === "peer_left") this.#world.onPeerLeft(event["sender_id"] as string)
    if (event.event === "pong" && this.waitsFor?.startsWith("leave_room")) {
      this.view.leave()
      this.room = undefined
    } else this.view.see(event)
    if (event.event === "error") this.#onError(event)
    if (event.event === "joined_room") {
      this.room = String(ref).split(" ")[1]
      this.value = this.#joinValue
      this.stay++
    }
    if (event.event === "peer_updated_status" && event["sender_id"] === this.view.ownId) {
      this.value = (event["status"] as { value: number }).value
    }
    if (ref === this.waitsFor) this.waitsFor = undefined
  }

  #onMessage({ sender_id, number }: WireEvent): void {
    const sender = sender_id as string
    const n = number as number
    const last = this.#last.get(sender) ?? 0
    if (n <= last) throw new Error(`broken: message ${n} of ${sender} came behind ${last}`)
    this.#last.set(sender, n)
    this.heard.add(n)
  }

  #onError({ id, ref }: WireEvent): void {
    if (!EXPECTED_ERRORS.has(id as string)) throw new Error(`broken: nothing sent may be answered with ${id}`)
    if (ref === undefined) this.refusedUnnamed++
    else if (String(ref).startsWith("relay")) this.refused.add(Number(String(ref).split(" ")[1]))
  }
}
