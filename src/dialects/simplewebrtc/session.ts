// A client that polls: the socket of its connection, until it has a WebSocket. What is sent waits, bounded as a
// WebSocket's backlog is, for the client's next GET.

import type { Clock } from "../../clock.ts"
import { CLOSE } from "../../connections/close.ts"
import type { Connection } from "../../connections/connection.ts"
import type { PlainTopics, Socket } from "../../connections/socket.ts"
import { answerPackets, refuse } from "./answers.ts"
import { ENGINE_CLOSE, ENGINE_NOOP } from "./packets.ts"

/** A GET that waits for packets. */
interface Waiting {
  readonly request: Request
  readonly isText: boolean
  readonly resolve: (response: Response) => void
}

/** See the head of this file. */
export class PollingSession implements Socket {
  /** Whose requests are taken: the session's id is known to all in the room. */
  readonly visitor: string
  /** Over a WebSocket: no request is taken any more. */
  isUpgraded = false
  /** A WebSocket may take over: no other one. */
  isUpgrading = false
  /** A POST is being read. */
  isPosting = false
  unfinishedBytes = 0
  #connection: Connection | undefined
  #isClosed = false
  #isPaused = false
  #packets: string[] = []
  #bytes = 0
  #waiting: Waiting | undefined
  readonly #ownTopics = new Set<string>()
  readonly #topics: PlainTopics
  readonly #clock: Clock

  constructor(visitor: string, topics: PlainTopics, clock: Clock) {
    this.visitor = visitor
    this.#topics = topics
    this.#clock = clock
  }

  /** The connection whose socket this is. */
  get connection(): Connection {
    if (this.#connection === undefined) throw new TypeError("the session has no connection yet")
    return this.#connection
  }

  /** Sets it, before the connection opens. */
  use(connection: Connection): void {
    this.#connection = connection
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Answers a GET: at once when there is something to say, else when there is. A second one ends the session. */
  poll(request: Request, isText: boolean): Response | Promise<Response> {
    this.connection.onPong()
    if (this.#waiting !== undefined) {
      this.close(CLOSE.protocol.code, CLOSE.protocol.reason)
      return refuse(request, "badRequest", 500)
    }
    if (this.#packets.length > 0) return answerPackets(request, this.#take(), isText)
    if (this.#isPaused) return answerPackets(request, [ENGINE_NOOP], isText)
    return new Promise((resolve) => {
      const waiting = { request, isText, resolve }
      this.#waiting = waiting
      const onGone = () => {
        if (this.#waiting === waiting) this.close(CLOSE.goodbye.code, CLOSE.goodbye.reason)
      }
      if (request.signal.aborted) onGone()
      else request.signal.addEventListener("abort", onGone)
    })
  }

  /** So much of a POST has come. */
  keep(bytes: number): void {
    this.unfinishedBytes = bytes
    this.connection.onUnfinished()
  }

  /** Lets no GET wait, as the client sends its next word over a WebSocket when it has no GET under way. */
  pause(): void {
    this.#isPaused = true
    this.#answer(ENGINE_NOOP)
  }

  /** The WebSocket is gone before it took over: polling goes on. */
  resume(): void {
    this.isUpgrading = false
    this.#isPaused = false
  }

  /** Goes on over a WebSocket that comes from `port`: first what waits, then what comes, in order. */
  moveTo(socket: Socket, port: number): void {
    this.isUpgraded = true
    for (const packet of this.#take()) socket.send(packet)
    this.pause()
    this.connection.socket = socket
    this.connection.clientPort = port
    for (const topic of this.#ownTopics) socket.subscribe(topic)
    this.#dropTopics()
  }

  /** Its connection is gone. */
  end(): void {
    this.#isClosed = true
    this.#take()
    this.#answer(ENGINE_CLOSE)
    this.#dropTopics()
  }

  send(packet: string): void {
    if (this.#isClosed) return
    this.#packets.push(packet)
    this.#bytes += Buffer.byteLength(packet)
    // Behind what else is said now, so that one answer has it all.
    if (this.#packets.length === 1 && this.#waiting !== undefined) queueMicrotask(() => this.#answer())
    this.connection.checkBacklog()
  }

  /** Tells the client at its GET, which waits or comes too late; the connection ends in a later turn, as a WebSocket's does. */
  close(code: number, _reason: string): void {
    if (this.#isClosed) return
    this.end()
    this.#clock.soon(() => this.connection.onClose(code))
  }

  /** A client that polls sends pings of its own. */
  ping(): void {}

  getBufferedAmount(): number {
    return this.#bytes
  }

  subscribe(topic: string): void {
    if (this.#isClosed) return
    this.#ownTopics.add(topic)
    this.#topics.subscribe(topic, this)
  }

  unsubscribe(topic: string): void {
    this.#ownTopics.delete(topic)
    this.#topics.unsubscribe(topic, this)
  }

  /** Answers the GET that waits with what there is to say, or with `otherwise`. */
  #answer(otherwise?: string): void {
    const waiting = this.#waiting
    const packets = this.#packets.length > 0 ? this.#packets : otherwise === undefined ? [] : [otherwise]
    if (waiting === undefined || packets.length === 0) return
    this.#waiting = undefined
    this.#take()
    waiting.resolve(answerPackets(waiting.request, packets, waiting.isText))
  }

  #take(): string[] {
    const packets = this.#packets
    this.#packets = []
    this.#bytes = 0
    return packets
  }

  #dropTopics(): void {
    for (const topic of this.#ownTopics) this.#topics.unsubscribe(topic, this)
    this.#ownTopics.clear()
  }
}
