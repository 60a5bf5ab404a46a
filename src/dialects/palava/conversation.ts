// One client that speaks palava: reads its frames, and tells it what it is told. It is a member of one room at most.

import { BROKEN, CLOSE } from "../../connections/close.ts"
import type { Connection } from "../../connections/connection.ts"
import type { PeerId } from "../../rooms/ids.ts"
import type { Membership } from "../../rooms/membership.ts"
import type { Ref, RelayFailure } from "../../rooms/room-store.ts"
import { makeEnded } from "../ended.ts"
import type { PluginRequest, Problem } from "../hooks.ts"
import type { PalavaClient, PalavaParts } from "./client.ts"
import { checkFields, decodeFrame, type Envelope, isRefusal } from "./client-events.ts"
import { ERRORS, type ErrorId } from "./errors.ts"
import { findHandler } from "./handlers.ts"
import { decodeRelayFrame, type RelayFrame } from "./relay-frame.ts"
import type { PreparedResumption, Resumption } from "./resumption.ts"
import * as serverEvents from "./server-events.ts"

/** 4,096 characters: a longer message is not read for its `ref` alone, as to refuse has to cost less than to serve. */
const REFUSED_CHARACTERS = 4_096

/** Filled by the decoder for every relayed frame: one object for all, so the hot path allocates none. */
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
export class PalavaConversation implements PalavaClient {
  /** The one it speaks on: another after each resumption. */
  connection: Connection
  /** The id of the first connection, which is random. */
  peer: PeerId
  /** The membership of the room it is in. */
  membership: Membership | undefined
  resumption: Resumption | undefined
  prepared: PreparedResumption | undefined
  readonly #parts: PalavaParts

  constructor(connection: Connection, parts: PalavaParts) {
    this.connection = connection
    this.peer = connection.id as PeerId
    this.#parts = parts
  }

  get maxFrameBytes(): number {
    return this.#parts.limits.maxFrameBytes
  }

  get topic(): string {
    return this.connection.id
  }

  get isOpen(): boolean {
    return !this.connection.isClosed
  }

  get isHeld(): boolean {
    return this.resumption?.endHold !== undefined
  }

  subscribe(topic: string): void {
    this.connection.socket?.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    this.connection.socket?.unsubscribe(topic)
  }

  /** The first branch is the hot path: no promise, no closure, no object. */
  onMessage(text: string): void | Promise<void> {
    const { membership, resumption } = this
    if (resumption !== undefined) resumption.received++
    if (membership !== undefined && decodeRelayFrame(text, relayFrame)) {
      const { counters, commands } = this.#parts
      counters.relayFrames++
      const { peerId, body } = relayFrame
      if (!commands.relay(membership, peerId as PeerId, body + endOfRelay(membership.peer), undefined)) {
        this.refuse("unknown_peer", undefined)
      }
      return
    }
    const envelope = decodeFrame(text)
    if (isRefusal(envelope)) return this.refuse(envelope.error, envelope.ref, envelope.message)
    try {
      const pending = this.#dispatch(envelope)?.catch((cause) => this.#onBug(cause, envelope.ref))
      if (resumption !== undefined) resumption.pending = pending
      return pending
    } catch (cause) {
      this.#onBug(cause, envelope.ref)
    }
  }

  onRefused(text: string): void {
    this.resumption?.countRefused(this.connection.hasQueue)
    this.refuse("rate_limited", text.length > REFUSED_CHARACTERS ? undefined : decodeFrame(text).ref)
  }

  onClose(code: number): void {
    if ((code === BROKEN || code === CLOSE.silent.code) && this.hold()) return
    this.leave()?.catch((cause) => this.#parts.log.error({ err: cause }, "bug: a leave failed"))
  }

  onJoined(membership: Membership, ref: Ref): void {
    const { prepared } = this
    const { hooks, resumptions } = this.#parts
    this.membership = membership
    this.resumption = prepared?.resumption
    if (prepared !== undefined) resumptions.open(this)
    if (prepared?.isTakenOver === true) {
      this.#sayResumedAnew(membership, prepared, ref)
      return
    }
    const more = hooks.joinedFields?.(this, membership)
    membership.log = prepared?.resumption.log
    const { peer, room } = membership
    this.send(serverEvents.joinedRoom(peer, room.members.values(), more, prepared?.ticket, ref))
  }

  onTakenOver(membership: Membership): void {
    this.#end(membership)
    this.connection.close(CLOSE.takenOver)
  }

  charge(bytes: number): void {
    this.connection.charge(bytes)
  }

  mayJoin(): boolean {
    return this.connection.mayJoin()
  }

  onPressure(): void {
    this.connection.checkBacklog()
  }

  onRelayFailed(ref: Ref, failure: RelayFailure): void {
    this.refuse(failure, ref)
  }

  leave(): Promise<void> | undefined {
    const { membership } = this
    if (membership === undefined) return undefined
    this.#end(membership)
    return this.#parts.commands.leave(membership)
  }

  hold(): boolean {
    return this.#parts.resumptions.hold(this)
  }

  resumeOn(connection: Connection, received: number, ref: Ref): void | Promise<void> {
    const { membership, resumption, connection: before } = this
    if (membership === undefined || resumption === undefined) return
    const { room, peer } = membership
    const { commands, hooks, resumptions } = this.#parts
    before.receiver = makeEnded(before)
    before.socket?.unsubscribe(room.topic)
    before.close(CLOSE.takenOver)
    this.connection = connection
    connection.receiver = this
    hooks.moved?.(before, connection)
    const frames = resumption.missing(received)
    const ticket = resumption.nextTicket()
    commands.prove(membership, resumption.proof)
    if (frames === undefined) this.#sayResumedAnew(membership, { resumption, ticket }, ref)
    else {
      resumptions.counters.complete++
      connection.send(serverEvents.resumed(peer, resumption.received, ticket, ref))
      for (const frame of frames) connection.send(frame)
    }
    connection.socket?.subscribe(room.topic)
    connection.checkBacklog()
    return resumption.pending
  }

  send(text: string): void {
    this.resumption?.log.push(text)
    this.connection.send(text)
  }

  sendEvent(event: string, fields: Readonly<Record<string, unknown>>): void {
    this.#reply(event, fields, undefined)
  }

  announceShutdown(seconds: number): void {
    this.send(serverEvents.shutdown(seconds))
  }

  refuse(id: ErrorId, ref: Ref, message?: string): void {
    const { counters, hooks } = this.#parts
    counters.countError(id)
    this.send(serverEvents.error(id, ref, message))
    hooks.observer?.refused?.(this.peer, id)
  }

  refuseAs({ id, message }: Problem, ref: Ref): void {
    const { counters, hooks } = this.#parts
    counters.countError(Object.hasOwn(ERRORS, id) ? (id as ErrorId) : "other")
    this.#reply("error", { id, message, description: message }, ref)
    hooks.observer?.refused?.(this.peer, id)
  }

  #dispatch(envelope: Envelope): void | Promise<void> {
    const { counters, hooks } = this.#parts
    const { event, ref, fields: sent } = envelope
    const found = findHandler(event)
    if (found !== undefined) {
      counters.countEvent(found.name)
      const fields = checkFields(found.name, envelope)
      if (isRefusal(fields)) return this.refuse(fields.error, fields.ref)
      return found.handle(this.#parts, this, fields, ref, sent)
    }
    const plugin = hooks.events?.get(event)
    counters.countEvent(plugin === undefined ? "other" : event)
    if (plugin === undefined) return this.refuse("unknown_event", ref)
    return plugin(this, this.#toPluginRequest(envelope))
  }

  #toPluginRequest({ event, ref, fields }: Envelope): PluginRequest {
    return {
      event,
      ref,
      fields,
      reply: (event, fields) => this.#reply(event, fields, ref),
      refuseInvalid: (issue) => {
        this.refuseAs({ id: "invalid_message", message: `${ERRORS.invalid_message}: ${issue}` }, ref)
      },
      refuseFailed: ({ error }) => this.refuse(error, ref),
      refuseAs: (problem) => this.refuseAs(problem, ref),
    }
  }

  #reply(event: string, fields: Readonly<Record<string, unknown>>, ref: Ref): void {
    this.send(serverEvents.serverEvent(event, fields, ref))
  }

  /** The room as it stands: nothing that was sent and received before counts any more. */
  #sayResumedAnew(
    membership: Membership,
    { resumption, ticket }: Pick<PreparedResumption, "resumption" | "ticket">,
    ref: Ref,
  ): void {
    const { peer, room, status } = membership
    this.#parts.resumptions.counters.incomplete++
    resumption.restart()
    membership.log = resumption.log
    this.connection.send(serverEvents.resumedAnew(peer, status, room.members.values(), ticket, ref))
  }

  /** It is a member no more, and nobody can resume it. */
  #end(membership: Membership): void {
    if (this.resumption !== undefined) this.#parts.resumptions.close(this, this.resumption)
    this.membership = this.resumption = membership.log = undefined
  }

  #onBug(cause: unknown, ref: Ref): void {
    this.#parts.log.error({ err: cause }, "bug: a handler failed")
    this.refuse("internal", ref)
  }
}
