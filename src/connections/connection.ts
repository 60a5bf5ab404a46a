// One transport conversation: from the open socket to its end. It hands its messages to what it speaks one at a time, in
// the order received; while one waits for the store, the next ones wait in a bounded queue. It knows no room.

import { randomUUID } from "node:crypto"
import type { Log } from "../log.ts"
import { CLOSE, type Close } from "./close.ts"
import type { ConnectionCounters } from "./counters.ts"
import { type Liveness, type LivenessLimits, TICKS_PER_SECOND } from "./liveness.ts"
import { MessageQueue } from "./message-queue.ts"
import type { Socket } from "./socket.ts"

/** 1,000 refused messages without a pause in between: by then the client does not heed what it is told. */
const RATE_STRIKES = 1_000

/** What a connection hands its messages to; made by a dialect. */
export interface Receiver {
  /** Largest frame the client may send, in bytes. */
  readonly maxFrameBytes: number
  /** The connection is open: who speaks first does it here. */
  onOpen?(): void
  /** A text frame; a promise keeps the next ones waiting. What it throws or rejects with closes the connection (1011). */
  onMessage(text: string): void | Promise<void>
  /** A text frame that is not handled, as there are too many. */
  onRefused(text: string): void
  /** The connection is gone, whoever ended it; `code` is that of the close frame, or BROKEN. */
  onClose(code: number): void
}

/** What a connection may do. */
export interface ConnectionLimits extends LivenessLimits {
  /** Messages a second a connection may send on average; 0 is no limit. */
  readonly ratePerSecond: number
  /** Messages it may send at once after a pause. */
  readonly rateBurst: number
  /** Unsent bytes after which it is closed: a frame dropped in silence would break the order of the rest. */
  readonly maxBacklogBytes: number
}

/** What all connections of a node share; connections.ts is the one there is. */
export interface ConnectionOwner {
  readonly limits: ConnectionLimits
  readonly log: Log
  readonly liveness: Liveness
  readonly counters: ConnectionCounters
  /** A connection opened. */
  add(connection: Connection): void
  /** A connection is gone. */
  remove(connection: Connection, code: number): void
}

/** See the head of this file. */
export class Connection {
  /** Random, unguessable before it is told; also the topic of what is for this connection alone, so that none keeps another string for it. */
  readonly id: string
  /** What it speaks: set before it opens, once more where the first message decides it, and when it goes on elsewhere. */
  receiver: Receiver
  /** The socket, from open to close. A dialect whose clients go on over another one puts it in its place. */
  socket: Socket | undefined
  /** Tick of the last sign of life. */
  heardAt: number
  /** What the plug-ins keep with this connection; theirs alone. */
  attachment: unknown
  readonly #all: ConnectionOwner
  #tokens: number
  #refilledAt: number
  #strikes = 0
  #isBusy = false
  #queue: MessageQueue | undefined

  /**
   * @param makeReceiver what it speaks, made for this connection
   * @param id where the client has it from its dialect already; no other open connection's
   */
  constructor(all: ConnectionOwner, makeReceiver: (connection: Connection) => Receiver, id: string = randomUUID()) {
    this.#all = all
    this.id = id
    this.heardAt = all.liveness.tick
    this.#refilledAt = all.liveness.tick
    this.#tokens = all.limits.rateBurst
    this.receiver = makeReceiver(this)
  }

  /** Whether the connection is gone, or not open yet. Not a field: with one field more, each takes 64 bytes more. */
  get isClosed(): boolean {
    return this.socket === undefined
  }

  /** Whether a message is waited for, and others wait behind it. */
  get hasQueue(): boolean {
    return this.#queue !== undefined
  }

  /** The socket is open. */
  onOpen(socket: Socket): void {
    this.socket = socket
    socket.subscribe(this.id)
    this.#all.add(this)
    this.receiver.onOpen?.()
  }

  /** A text frame. */
  onMessage(text: string): void {
    this.heardAt = this.#all.liveness.tick
    const { counters } = this.#all
    counters.framesReceived++
    counters.bytesReceived += text.length
    if (this.#tokens-- <= 0 && !this.#refill()) this.#onOverRate(text)
    else if (this.#isBusy) this.#enqueue(text)
    else this.#take(text)
  }

  /** The answer to a WebSocket ping. */
  onPong(): void {
    this.heardAt = this.#all.liveness.tick
  }

  /** The socket is gone, whoever ended it; `code` is that of the close frame, or BROKEN. */
  onClose(code: number): void {
    this.socket = undefined
    this.#queue = undefined
    this.#all.remove(this, code)
  }

  /** Sends one frame, behind all that was published to this connection before. */
  send(text: string): void {
    if (this.socket === undefined) return
    this.#all.counters.bytesSent += text.length
    this.socket.send(text)
  }

  /** Parts from the client; onClose follows. */
  close({ code, reason }: Close): void {
    this.socket?.close(code, reason)
  }

  /** Closes a reader that is too slow, while a close frame can still be sent behind what it has not read. */
  checkBacklog(): void {
    if (this.socket === undefined || this.socket.getBufferedAmount() <= this.#all.limits.maxBacklogBytes) return
    this.#all.counters.closedTooSlow++
    this.close(CLOSE.tooSlow)
  }

  #take(text: string): void {
    const pending = this.receiver.onMessage(text)
    if (pending !== undefined) this.#waitFor(pending)
  }

  #waitFor(pending: Promise<void>): void {
    this.#isBusy = true
    const goOn = (): void => {
      this.#isBusy = false
      this.#drain()
    }
    // One promise more for each message that waits, not two: some dialects wait at every one.
    pending.then(goOn, (cause) => {
      this.#all.log.error({ err: cause }, "bug: a message failed")
      this.close(CLOSE.internal)
      goOn()
    })
  }

  #enqueue(text: string): void {
    this.#queue ??= new MessageQueue()
    if (!this.#queue.push(text)) this.receiver.onRefused(text)
  }

  /** Goes on until a message waits again, or the connection is gone and its queue with it. */
  #drain(): void {
    for (let text = this.#queue?.shift(); text !== undefined; text = this.#queue?.shift()) {
      this.#take(text)
      if (this.#isBusy) return
    }
    this.#queue = undefined
  }

  /** A token bucket on the liveness clock. @returns whether there is a token for this message */
  #refill(): boolean {
    const { liveness, limits } = this.#all
    if (limits.ratePerSecond === 0) {
      this.#tokens = limits.rateBurst
      return true
    }
    const gained = ((liveness.tick - this.#refilledAt) * limits.ratePerSecond) / TICKS_PER_SECOND
    if (gained < 1) {
      this.#tokens = 0
      return false
    }
    this.#refilledAt = liveness.tick
    this.#tokens = Math.min(gained, limits.rateBurst) - 1
    if (gained >= limits.rateBurst) this.#strikes = 0
    return true
  }

  #onOverRate(text: string): void {
    this.receiver.onRefused(text)
    if (++this.#strikes < RATE_STRIKES) return
    this.#all.counters.closedRateLimited++
    this.close(CLOSE.rateLimited)
  }
}
