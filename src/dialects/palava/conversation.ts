// One client that speaks palava: reads its frames, and tells it what it is told. It is a member of one room at most.

import { BROKEN, CLOSE } from "../../connections/close.ts"
import type { Connection } from "../../connections/connection.ts"
import type { PeerId } from "../../rooms/ids.ts"
import type { Membership } from "../../rooms/membership.ts"
import type { Member, Ref, RelayFailure } from "../../rooms/room-store.ts"
import type { TraceEvent } from "../../rooms/tracer.ts"
import { makeEnded } from "../ended.ts"
import type { Problem } from "../hooks.ts"
import type { Arrival } from "./arrival.ts"
import type { PalavaClient, PalavaParts } from "./client.ts"
import { checkFields, decodeFrame, type Envelope, isRefusal, readRefusedRef } from "./client-events.ts"
import { ERRORS, type ErrorId } from "./errors.ts"
import { findHandler } from "./handlers.ts"
import { toPluginRequest } from "./plugin-request.ts"
import { decodeRelayFrame, endOfRelay, type RelayFrame } from "./relay-frame.ts"
import { sayResumed } from "./resumed.ts"
import type { PreparedResumption, Resumption } from "./resumption.ts"
import * as serverEvents from "./server-events.ts"

/** Filled by the decoder for every relayed frame: one object for all, so the hot path allocates none. */
const relayFrame: RelayFrame = { peerId: "", body: "" }

/** See the head of this file. */
export class PalavaConversation implements PalavaClient {
  /** The one it speaks on: another after each resumption. */
  connection: Connection
  /** The id of the first connection, which is random. */
  peer: PeerId
  membership: Membership | undefined
  resumption: Resumption | undefined
  prepared: PreparedResumption | undefined
  arrival: Arrival | undefined
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
    if (resumption?.take() === true && membership !== undefined)
      this.#parts.commands.prove(membership, resumption.proof)
    if (membership?.maySend && decodeRelayFrame(text, relayFrame)) {
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
    this.refuse("rate_limited", readRefusedRef(text))
  }

  onClose(code: number): void {
    const isBroken = code === BROKEN || code === CLOSE.silent.code
    if (this.arrival !== undefined && !isBroken) this.arrival.cancel()
    if (isBroken && this.hold()) return
    this.#trace("closed", String(code))
    this.#leaveSoon()
  }

  /** It was a member before this process began, and is held for its client for so many milliseconds. */
  goOn(membership: Membership, resumption: Resumption, ms: number): void {
    const { resumptions } = this.#parts
    this.peer = membership.peer
    this.membership = membership
    this.resumption = resumption
    resumptions.open(this)
    if (!resumptions.hold(this, ms)) this.#leaveSoon()
  }

  onJoined(membership: Membership, ref: Ref): void {
    const { prepared } = this
    const { hooks, resumptions } = this.#parts
    this.membership = membership
    this.resumption = prepared?.resumption
    if (prepared !== undefined) resumptions.open(this)
    const more = hooks.joinedFields?.(this, membership)
    membership.log = prepared?.resumption.log
    const { peer, room } = membership
    this.send(serverEvents.joinedRoom(peer, room.members.values(), more, prepared?.ticket, ref))
    // Whoever has the token in it has the frame, and no secret is kept.
    prepared?.resumption.log.acknowledge(1)
  }

  /** What is still to be said to the client goes with the rest to the next node. */
  onTakenOver(membership: Membership, by: Member, isLogged: boolean): void {
    const { resumption } = this
    const { resumptions, handOvers, log } = this.#parts
    this.membership = undefined
    this.onOvertaken()
    if (resumption === undefined) return
    resumptions.close(this, resumption)
    const ready = (resumption.pending ?? Promise.resolve()).then(() => true)
    const told = handOvers.depart(membership, by, isLogged, resumption, ready)
    told
      .catch((cause) => log.error({ err: cause }, "bug: a hand-over failed"))
      .finally(() => {
        this.resumption = undefined
      })
  }

  onOvertaken(): void {
    this.connection.receiver = makeEnded(this.connection)
    this.connection.close(CLOSE.takenOver)
  }

  get payer(): Connection {
    return this.connection
  }

  onArrived(
    membership: Membership,
    prepared: PreparedResumption,
    frames: readonly string[] | undefined,
    ref: Ref,
  ): void {
    const { connection } = this
    this.peer = membership.peer
    this.membership = membership
    this.resumption = prepared.resumption
    membership.holder = this
    this.#parts.resumptions.open(this)
    sayResumed(this.#parts.resumptions, connection, membership, prepared, frames, ref)
    // Gone meanwhile, or about to go with the node.
    if (connection.isClosed || connection.receiver !== this) this.hold()
  }

  onExpired(membership: Membership): void {
    if (!this.isHeld) this.refuse("unauthorized", undefined)
    this.#end(membership)
    this.#parts.commands
      .leave(membership)
      ?.catch((cause) => this.#parts.log.error({ err: cause }, "bug: a leave failed"))
    this.connection.close(CLOSE.unauthorized)
  }

  onReplaced(membership: Membership): void {
    if (!this.isHeld) this.partAsReplaced(undefined)
    this.#end(membership)
  }

  partAsReplaced(ref: Ref): void {
    this.refuse("replaced", ref)
    this.connection.close(CLOSE.replaced)
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
    const isHeld = this.#parts.resumptions.hold(this)
    if (isHeld) this.#trace("lost")
    return isHeld
  }

  resumeOn(connection: Connection, received: number | undefined, given: Buffer, ref: Ref): void | Promise<void> {
    const { membership, resumption, connection: before } = this
    if (membership === undefined || resumption === undefined) return
    const { commands, hooks, resumptions } = this.#parts
    before.receiver = makeEnded(before)
    before.socket?.unsubscribe(membership.room.topic)
    before.close(CLOSE.takenOver)
    this.connection = connection
    connection.receiver = this
    hooks.moved?.(before, connection)
    const frames = received === undefined ? undefined : resumption.missing(received)
    const ticket = resumption.nextTicket(given)
    this.#trace("resumed", frames === undefined ? "some messages were lost" : "nothing was lost")
    commands.prove(membership, resumption.proof)
    sayResumed(resumptions, connection, membership, { resumption, ticket }, frames, ref)
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
    // That one is told by the rooms, for all dialects.
    if (id !== "peer_unreachable") this.#trace("error", id)
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
    return plugin(this, toPluginRequest(this, envelope))
  }

  #reply(event: string, fields: Readonly<Record<string, unknown>>, ref: Ref): void {
    this.send(serverEvents.serverEvent(event, fields, ref))
  }

  #leaveSoon(): void {
    this.leave()?.catch((cause) => this.#parts.log.error({ err: cause }, "bug: a leave failed"))
  }

  /** It is a member no more, and nobody can resume it. */
  #end(membership: Membership): void {
    const { resumption } = this
    if (resumption !== undefined) this.#parts.resumptions.close(this, resumption)
    resumption?.log.clear()
    this.membership = this.resumption = membership.log = undefined
  }

  #trace(what: TraceEvent, detail?: string): void {
    const { membership } = this
    if (membership !== undefined) this.#parts.rooms.tracer?.happened(membership.room.key, membership.peer, what, detail)
  }

  #onBug(cause: unknown, ref: Ref): void {
    this.#parts.log.error({ err: cause }, "bug: a handler failed")
    this.refuse("internal", ref)
  }
}
