// One connection: connected, then in and out of rooms, then closed. It handles its messages one at a time, in the
// order received; while a handler waits for the store, the next ones wait in a bounded queue.

import { CLOSE, type Close } from "../connections/close.ts"
import { checkFields, decodeFrame, type Envelope, isRefusal } from "../dialects/palava/client-events.ts"
import { ERRORS, type ErrorId } from "../dialects/palava/errors.ts"
import { decodeRelayFrame, type RelayFrame } from "../dialects/palava/relay-frame.ts"
import * as serverEvents from "../dialects/palava/server-events.ts"
import { EMPTY_STATUS } from "../dialects/palava/status.ts"
import { makePeerId, type PeerId } from "../rooms/ids.ts"
import type { Ref, StatusText } from "../rooms/room-store.ts"
import { findHandler } from "./handlers.ts"
import type { Problem } from "./hooks.ts"
import type { Hub } from "./hub.ts"
import { MessageQueue } from "./message-queue.ts"
import type { RoomView } from "./room-view.ts"
import type { Socket } from "./socket.ts"

/** 1,000 refused messages without a pause in between: by then the client does not heed what it is told. */
const RATE_STRIKES = 1_000

/** Filled by the decoder for every relayed frame: one object for all sessions, so the hot path allocates none. */
const relayFrame: RelayFrame = { peerId: "", body: "" }

// The last end of a relayed message, and whose it is: messages come in bursts, and two pieces are quicker put together
// than four.
let lastSender = ""
let lastEnd = ""

/** What ends a message that `sender` relays: the id, last, where no earlier key can change it. */
function endOfRelay(sender: PeerId): string {
  if (sender !== lastSender) {
    lastSender = sender
    lastEnd = `,"sender_id":"${sender}"}`
  }
  return lastEnd
}

/** See the head of this file. */
export class Session {
  /** The public id, made when the connection opens. */
  readonly peer: PeerId = makePeerId()
  /** The room it is in. */
  room: RoomView | undefined
  /** Number of the current membership; see Member.generation. */
  generation = 0
  /** Number of the last command that changed a membership; see Member.rev. */
  rev = 0
  /** The own status as the store has it, and the command that set it. */
  status: StatusText = EMPTY_STATUS
  statusRev = 0
  /** Clock tick of the last sign of life. */
  heardAt: number
  /** When it joined the room it is in, unix milliseconds. */
  joinedAt = 0
  /** A message for it was let go, as it reads too slowly; its connection ends. */
  isTooSlow = false
  /** The socket, from open to close. */
  socket: Socket | undefined
  /** Set when the connection is to be closed as soon as it opens. */
  refusal: Close | undefined
  /** What the plug-ins keep with this connection; theirs alone. */
  attachment: unknown
  readonly #hub: Hub
  #tokens: number
  #refilledAt: number
  #strikes = 0
  #isBusy = false
  #queue: MessageQueue | undefined

  constructor(hub: Hub) {
    this.#hub = hub
    this.heardAt = hub.clock.tick
    this.#refilledAt = hub.clock.tick
    this.#tokens = hub.limits.rateBurst
  }

  /** Whether the connection is gone. Not a field: with one field more, every session takes 64 bytes more. */
  get isClosed(): boolean {
    return this.socket === undefined
  }

  /** The topic of direct messages: the id itself, so that no session keeps another string for it. */
  get topic(): string {
    return this.peer
  }

  /** The connection is open. */
  onOpen(socket: Socket): void {
    this.socket = socket
    socket.subscribe(this.topic)
    this.#hub.add(this)
  }

  /** A text frame. */
  onMessage(text: string): void {
    this.heardAt = this.#hub.clock.tick
    this.#hub.counters.framesReceived++
    if (this.#tokens-- <= 0 && !this.#refill()) this.#onOverRate(text)
    else if (this.#isBusy) this.#enqueue(text)
    else this.#take(text)
  }

  /** The answer to a WebSocket ping. */
  onPong(): void {
    this.heardAt = this.#hub.clock.tick
  }

  /** The connection is gone, whoever ended it. */
  onClose(): void {
    this.socket = undefined
    this.#queue = undefined
    this.#hub.remove(this)
  }

  /** The store has taken over a status, by the command `rev`. */
  setStatus(rev: number, status: StatusText): void {
    if (rev < this.statusRev) return
    this.status = status
    this.statusRev = rev
  }

  /** Sends one event, behind all that was published to this peer before. */
  send(text: string): void {
    this.socket?.send(text)
  }

  /** Answers a request with an event of a plug-in. */
  reply(event: string, fields: Readonly<Record<string, unknown>>, ref: Ref): void {
    this.send(serverEvents.serverEvent(event, fields, ref))
  }

  /** Answers with an error event and counts it. */
  refuse(id: ErrorId, ref: Ref, message?: string): void {
    this.#hub.counters.countError(id)
    this.send(serverEvents.error(id, ref, message))
    this.#hub.hooks.observer?.refused?.(this.peer, id)
  }

  /** Answers with an error event in a plug-in's words. */
  refuseAs({ id, message }: Problem, ref: Ref): void {
    this.#hub.counters.countError(Object.hasOwn(ERRORS, id) ? (id as ErrorId) : "other")
    this.reply("error", { id, message, description: message }, ref)
    this.#hub.hooks.observer?.refused?.(this.peer, id)
  }

  /** Parts from the client; onClose follows. */
  close({ code, reason }: Close): void {
    this.socket?.close(code, reason)
  }

  /** Handles one frame now. The first branch is the hot path: no promise, no closure, no object. */
  #take(text: string): void {
    if (this.room !== undefined && decodeRelayFrame(text, relayFrame)) {
      this.#hub.counters.relayFrames++
      this.#hub.relay(this, relayFrame.peerId as PeerId, relayFrame.body + endOfRelay(this.peer), undefined)
      return
    }
    const envelope = decodeFrame(text)
    if (isRefusal(envelope)) {
      this.refuse(envelope.error, envelope.ref, envelope.message)
      return
    }
    let pending: void | Promise<void>
    try {
      pending = this.#dispatch(envelope)
    } catch (cause) {
      this.#onBug(cause, envelope.ref)
      return
    }
    if (pending !== undefined) this.#waitFor(pending, envelope.ref)
  }

  #dispatch(envelope: Envelope): void | Promise<void> {
    const { counters, hooks } = this.#hub
    const found = findHandler(envelope.event)
    if (found !== undefined) {
      counters.countEvent(found.name)
      const fields = checkFields(found.name, envelope)
      if (isRefusal(fields)) this.refuse(fields.error, fields.ref)
      else return found.handle(this.#hub, this, fields, envelope.ref, envelope.fields)
      return
    }
    const plugin = hooks.events?.get(envelope.event)
    counters.countEvent(plugin === undefined ? "other" : envelope.event)
    if (plugin !== undefined) return plugin(this, envelope)
    this.refuse("unknown_event", envelope.ref)
  }

  #waitFor(pending: Promise<void>, ref: Ref): void {
    this.#isBusy = true
    pending
      .catch((cause) => this.#onBug(cause, ref))
      .finally(() => {
        this.#isBusy = false
        this.#drain()
      })
  }

  #enqueue(text: string): void {
    this.#queue ??= new MessageQueue()
    if (!this.#queue.push(text)) this.refuse("rate_limited", decodeFrame(text).ref)
  }

  /** Goes on until a handler waits again, or the connection is gone and its queue with it. */
  #drain(): void {
    for (let text = this.#queue?.shift(); text !== undefined; text = this.#queue?.shift()) {
      this.#take(text)
      if (this.#isBusy) return
    }
    this.#queue = undefined
  }

  /** A token bucket on the hub's clock. @returns whether there is a token for this message */
  #refill(): boolean {
    const { clock, limits } = this.#hub
    if (limits.ratePerSecond === 0) {
      this.#tokens = limits.rateBurst
      return true
    }
    const gained = ((clock.tick - this.#refilledAt) * limits.ratePerSecond) / clock.ticksPerSecond
    if (gained < 1) {
      this.#tokens = 0
      return false
    }
    this.#refilledAt = clock.tick
    this.#tokens = Math.min(gained, limits.rateBurst) - 1
    if (gained >= limits.rateBurst) this.#strikes = 0
    return true
  }

  #onOverRate(text: string): void {
    this.refuse("rate_limited", decodeFrame(text).ref)
    if (++this.#strikes < RATE_STRIKES) return
    this.#hub.counters.closedRateLimited++
    this.close(CLOSE.rateLimited)
  }

  #onBug(cause: unknown, ref: Ref): void {
    this.#hub.log.error({ err: cause }, "bug: a handler failed")
    this.refuse("internal", ref)
  }
}
