// One transport conversation: from the open socket to its end. It hands its messages to what it speaks one at a time, in
// the order received; while one waits for the store, or others have their turn, the next ones wait in a bounded queue. What
// it may do is its budget's business, and its place's. It knows no room.

import { randomUUID } from "node:crypto"
import type { Log } from "../log.ts"
import { Account, type AccountOwner } from "./account.ts"
import { CLOSE, type Close } from "./close.ts"
import type { ConnectionCounters } from "./counters.ts"
import type { LivenessLimits } from "./liveness.ts"
import type { Keeper, Memory } from "./memory.ts"
import { MessageQueue } from "./message-queue.ts"
import type { Place, PlaceLimits } from "./places.ts"
import { NOTHING, type Receiver } from "./receiver.ts"
import type { Socket } from "./socket.ts"
import { TURN_MESSAGES, type Turns, type Waiter } from "./turns.ts"

/** 100 refused messages: what one counts for while the node has more to do than it can, so that few are answered. */
const BUSY_STRIKES = 100

/** 4 messages that wait: who has no more is not parted from for what others of its place do. */
const FEW = 4

/** What a connection may do. */
export interface ConnectionLimits extends LivenessLimits, PlaceLimits {
  /** Unsent bytes after which it is closed: a frame dropped in silence would break the order of the rest. */
  readonly maxBacklogBytes: number
}

/** What all connections of a node share; connections.ts is the one there is. */
export interface ConnectionOwner extends AccountOwner {
  readonly limits: ConnectionLimits
  readonly log: Log
  readonly counters: ConnectionCounters
  readonly turns: Turns
  readonly memory: Memory
  /** A connection opened. */
  add(connection: Connection): void
  /** A connection is gone. */
  remove(connection: Connection, code: number): void
  /** Parts from one whose client may not read, once what is under way now is done. */
  part(connection: Connection, close: Close): void
}

/** See the head of this file. */
export class Connection implements Keeper, Waiter {
  /** Random, unguessable before it is told; also the topic of what is for this connection alone, so that none keeps another string for it. */
  readonly id: string
  /** What it speaks: set before it opens, once more where the first message decides it, and when it goes on elsewhere. */
  receiver: Receiver
  /** The socket, from open to close. A dialect whose clients go on over another one puts it in its place. */
  socket: Socket | undefined
  /** Tick of the last sign of life. */
  heardAt: number
  /** The port its client connected from, or a proxy; 0 where no socket is its own. */
  clientPort = 0
  /** What the plug-ins keep with this connection; theirs alone. */
  attachment: unknown
  /** What it may do, and what it has sent. */
  readonly account: Account
  readonly #all: ConnectionOwner
  /** Whether a message is waited for, or the others' turn. */
  #state: "free" | "waiting" | "queued" = "free"
  #queue: MessageQueue | undefined

  /**
   * @param makeReceiver what it speaks, made for this connection
   * @param place where its client is
   * @param id where the client has it from its dialect already; no other open connection's
   */
  constructor(
    all: ConnectionOwner,
    makeReceiver: (connection: Connection) => Receiver,
    place: Place,
    id: string = randomUUID(),
  ) {
    this.#all = all
    this.id = id
    this.heardAt = all.liveness.tick
    this.account = new Account(all, place)
    this.receiver = makeReceiver(this)
  }

  get place(): Place {
    return this.account.place
  }

  /** Whether the connection is gone, or not open yet. Not a field: with one field more, each takes 64 bytes more. */
  get isClosed(): boolean {
    return this.socket === undefined
  }

  /** Whether a message is waited for, and others wait behind it. */
  get hasQueue(): boolean {
    return this.#queue !== undefined
  }

  get isMember(): boolean {
    return this.receiver.membership !== undefined
  }

  get queuedBytes(): number {
    return (this.#queue?.bytes ?? 0) + (this.socket?.unfinishedBytes ?? 0)
  }

  get unsentBytes(): number {
    return this.socket?.getBufferedAmount() ?? 0
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
    // Parted from, and still sending.
    if (this.socket === undefined) return
    this.heardAt = this.#all.liveness.tick
    const { counters, turns } = this.#all
    counters.framesReceived++
    counters.bytesReceived += text.length
    if (!this.account.pay(text)) {
      this.receiver.onRefused(text)
      this.#onUnpaid()
    } else if (turns.isOver() || this.#state !== "free") this.#enqueue(text)
    else this.#take(text)
  }

  /** A WebSocket ping, or the answer to one: each counts as a message. */
  onPong(): void {
    if (this.socket === undefined) return
    this.heardAt = this.#all.liveness.tick
    if (!this.account.pay("")) this.#onUnpaid()
  }

  /** What the client said causes so many bytes on top of its own, sent once. */
  charge(bytes: number): void {
    this.account.charge(bytes)
  }

  /** The client wants to join something. @returns whether it may now */
  mayJoin(): boolean {
    return this.account.payJoin()
  }

  /** The client did what none has to do by itself, such as to guess a secret. */
  onAbuse(): void {
    this.#strike(this.account.chargeAbuse())
  }

  /** The socket is gone, whoever ended it; `code` is that of the close frame, or BROKEN. */
  onClose(code: number): void {
    this.#queue?.end()
    this.socket = this.#queue = undefined
    this.#all.remove(this, code)
  }

  /** Sends one frame, behind all that was published to this connection before. */
  send(text: string): void {
    if (this.socket === undefined) return
    this.#all.counters.bytesSent += text.length
    if ((this.socket.send(text) as number) < 0) this.checkBacklog()
  }

  /** Parts from the client; onClose follows. */
  close({ code, reason }: Close): void {
    this.socket?.close(code, reason)
  }

  /** Something its client sends is kept, and not whole yet. */
  onUnfinished(): void {
    this.#all.memory.watch(this)
  }

  /** Parts from a reader that is too slow. */
  checkBacklog(): void {
    const { unsentBytes } = this
    if (unsentBytes === 0) return
    this.#all.memory.watch(this)
    if (unsentBytes > this.#all.limits.maxBacklogBytes) this.#all.part(this, CLOSE.tooSlow)
  }

  /** It is gone for all others at once; its client gets the reason, if it reads what waits for it within a while. */
  part(close: Close): void {
    const { socket } = this
    if (socket === undefined) return
    if (socket.getBufferedAmount() === 0) {
      this.close(close)
      return
    }
    socket.unsubscribe(this.id)
    this.onClose(close.code)
    this.receiver = NOTHING
    this.#all.memory.part(socket, close, this.#all.liveness.tick)
  }

  drop(close: Close): void {
    const { socket } = this
    if (socket === undefined) return
    this.onClose(close.code)
    this.receiver = NOTHING
    // A close frame would be behind what is not read, and Bun ends nothing that it has begun to close.
    if (socket.terminate === undefined || socket.getBufferedAmount() === 0) socket.close(close.code, close.reason)
    else socket.terminate()
  }

  goOn(): boolean {
    if (this.#state === "queued") {
      // In one go, as Bun itself does with the answers to what it has just read.
      if (this.socket?.cork === undefined) this.#drain()
      else this.socket.cork(() => this.#drain())
    }
    return this.#state === "waiting"
  }

  #take(text: string): void {
    const pending = this.receiver.onMessage(text)
    if (pending !== undefined) this.#waitFor(pending)
  }

  #waitFor(pending: Promise<void>): void {
    this.#state = "waiting"
    this.#all.turns.look()
    const goOn = () => {
      // What waits for nothing but itself would go on like this without end, in one turn.
      if (this.#queue !== undefined && this.#all.turns.isOver()) this.#waitForTurn(false)
      else this.#drain()
    }
    // One promise more for each message that waits, not two: some dialects wait at every one.
    pending.then(goOn, (cause) => {
      this.#onBug(cause)
      goOn()
    })
  }

  #onBug(cause: unknown): void {
    this.#all.log.error({ err: cause }, "bug: a message failed")
    this.close(CLOSE.internal)
  }

  #enqueue(text: string): void {
    if (this.#queue === undefined) {
      this.#queue = new MessageQueue(this.place)
      this.#all.memory.watch(this)
    }
    if (this.#state === "free") this.#waitForTurn(true)
    if (this.#state === "queued" && this.place.isFlooding(this.#all.turns.number) && this.#queue.length >= FEW) {
      this.#onFlood()
      return
    }
    // Of one connection nothing is refused for want of a turn only: then the loop is held for longer.
    while (this.#state === "queued" && this.#queue.isLongWith(text)) {
      const first = this.#queue.shift()
      this.#take(first ?? text)
      if (first === undefined || this.#queue === undefined) return
    }
    if (!this.#queue.push(text)) this.receiver.onRefused(text)
  }

  #waitForTurn(isNew: boolean): void {
    this.#state = "queued"
    this.#all.turns.wait(this, isNew)
  }

  /** Goes on until a message waits again, others have their turn, or the connection is gone and its queue with it. */
  #drain(): void {
    this.#state = "free"
    try {
      for (let count = 1; this.#state === "free"; count++) {
        const text = this.#queue?.shift()
        if (text === undefined) {
          this.#queue = undefined
          return
        }
        this.#take(text)
        if (this.#state === "free" && (this.#all.turns.isOver() || count >= TURN_MESSAGES)) this.#waitForTurn(false)
      }
    } catch (cause) {
      this.#onBug(cause)
    }
  }

  #onUnpaid(): void {
    this.#strike(this.#all.turns.isOver() ? BUSY_STRIKES : 1)
  }

  #strike(times: number): void {
    if (!this.account.strike(times)) this.#onFlood()
  }

  #onFlood(): void {
    this.#all.counters.closedRateLimited++
    this.#all.places.chargeFlood(this.place)
    this.part(CLOSE.rateLimited)
  }
}
