// One client that speaks PeerJS: it claims the id in its address, then sends to others by theirs. A PeerJS id is a room of
// its own, of one member at most, so that no two clients of a cluster have the same; who comes with the same token takes
// the membership over.

import { CLOSE, type Close } from "../../connections/close.ts"
import type { Connection } from "../../connections/connection.ts"
import { type Grant, isAmong, may } from "../../rooms/grant.ts"
import type { PeerId } from "../../rooms/ids.ts"
import type { Holder, Membership } from "../../rooms/membership.ts"
import type { Handshake } from "../contract.ts"
import type { Conversation } from "../conversation.ts"
import { type Claim, claimId } from "./claim.ts"
import { decodeFrame, ERRORS, error, type Frame, ID_TAKEN, OPEN, PASSED, passed } from "./frame.ts"
import type { PeerJsParts } from "./parts.ts"
import type { Sender } from "./waiting.ts"

/** 256 UTF-16 units for an id, and for a token: the client's own are UUIDs. */
const ID_CHARACTERS = 256

/** How a connection ends when all has been said. */
const DONE: Close = { code: 1000, reason: "" }

/** And when the server cannot or may not serve it now. */
const PARTING: Partial<Record<keyof typeof ERRORS, Close>> = {
  rate_limited: CLOSE.rateLimited,
  unavailable: CLOSE.unavailable,
  internal: CLOSE.internal,
}

/** Filled by the decoder for every frame: one object for all, so the hot path allocates none. */
const frame: Frame = { type: "", dst: "", payload: undefined }

/** See the head of this file. */
export class PeerJsConversation implements Conversation, Holder, Sender {
  readonly connection: Connection
  /** The PeerJS id. */
  readonly id: string
  waiting = 0
  /** From the yes of the store to the end. */
  membership: Membership | undefined
  /** Its place in the list of all peers, where there is one. */
  listed: Membership | undefined
  readonly #parts: PeerJsParts
  readonly #query: URLSearchParams
  /** The way to its id; its messages wait for it. */
  #opening: Promise<void> | undefined

  constructor(connection: Connection, { url }: Handshake, parts: PeerJsParts) {
    this.connection = connection
    this.#parts = parts
    this.#query = url.searchParams
    this.id = this.#param("id")
  }

  get maxFrameBytes(): number {
    return this.#parts.limits.maxFrameBytes
  }

  /** The id by which its room and plug-ins know it: random, that of the connection which claimed the PeerJS id first. */
  get peer(): PeerId {
    return this.membership?.peer ?? (this.connection.id as PeerId)
  }

  get topic(): string {
    return this.connection.id
  }

  get isOpen(): boolean {
    return !this.connection.isClosed
  }

  onOpen(): void {
    const [token, key] = [this.#param("token"), this.#param("key")]
    if (this.id === "" || token === "" || key === "") this.#part("missing_parameters")
    else if (key !== this.#parts.key) this.#part("invalid_key")
    else if (Math.max(this.id.length, token.length) > ID_CHARACTERS) this.#part("id_too_long")
    else this.#claim(token)
  }

  /** The last branch is the hot path: no promise, no closure, no object. */
  onMessage(text: string): void | Promise<void> {
    if (this.#opening !== undefined) return this.#opening.then(() => this.onMessage(text))
    const { membership } = this
    if (membership === undefined) return
    const { counters, peers, routes, rooms } = this.#parts
    const wrong = decodeFrame(text, frame)
    if (wrong !== undefined) return this.#refuse(wrong)
    const { type, dst } = frame
    counters.countEvent(type)
    if (type === "HEARTBEAT") return
    if (dst === "") return this.#leave()
    if (membership.grant !== undefined && !mayReach(membership.grant, dst)) return this.#refuse("unauthorized")
    const message = passed(type, this.id, dst, frame.payload)
    const target = peers.get(dst)
    if (target?.membership !== undefined && !routes.has(dst)) {
      rooms.crossRelays.deliver(membership.peer, target.membership, message)
    } else if (dst.length <= ID_CHARACTERS) {
      routes.send(dst, { sender: this, isImportant: PASSED[type]?.isImportant === true, text: message })
    } else this.#refuse("invalid_message")
  }

  /** The dialect has no word for it: its client would give up everything at an error. */
  onRefused(): void {
    this.#refuse("rate_limited")
  }

  onClose(): void {
    this.#leave()
  }

  /** Nothing of the room is for the client, so it is not subscribed to it. */
  subscribe(): void {}

  unsubscribe(): void {}

  onJoined(membership: Membership): void {
    this.membership = membership
  }

  onTakenOver(): void {
    this.#leave()
    this.connection.close(CLOSE.takenOver)
  }

  /** A room with one owner has nobody twice. */
  onReplaced(): void {}

  get payer(): Connection {
    return this.connection
  }

  onPressure(): void {
    this.connection.checkBacklog()
  }

  onRelayFailed(): void {}

  onExpired(): void {
    this.#leave()
    this.#refuse("unauthorized")
    this.connection.send(error(ERRORS.unauthorized))
    this.connection.close(CLOSE.unauthorized)
  }

  /** A client of PeerJS hears nothing but PeerJS. */
  sendEvent(): void {}

  wordsFor(refusal: Close): string | undefined {
    return refusal === CLOSE.serverFull ? error(ERRORS.server_full) : undefined
  }

  #claim(token: string): void {
    this.#opening = claimId(this.#parts, this, { token, fields: Object.fromEntries(this.#query) })
      .then((claim) => this.#onClaimed(claim))
      .catch((cause) => {
        this.#parts.log.error({ err: cause }, "bug: a claim failed")
        this.#part("internal")
      })
      .finally(() => {
        this.#opening = undefined
      })
  }

  #onClaimed(claim: Claim): void {
    if (claim.kind === "refused") this.#part(claim.error, claim.message)
    else if (!this.isOpen) this.#leave()
    else if (claim.kind === "taken") {
      this.#refuse("id_taken")
      this.connection.send(ID_TAKEN)
      this.connection.close(DONE)
    } else if (this.membership === undefined) {
      // Joined, and taken over again before it was told.
      this.connection.close(CLOSE.takenOver)
    } else {
      this.connection.send(OPEN)
      this.#parts.peers.add(this)
      this.#parts.routes.onArrival(this.id)
    }
  }

  #leave(): void {
    const { membership, listed } = this
    const { peers, rooms } = this.#parts
    peers.remove(this)
    this.membership = undefined
    this.listed = undefined
    for (const one of [membership, listed]) {
      if (one !== undefined) void rooms.commands.leave(one)
    }
  }

  /** Says why, and parts from the client. */
  #part(id: keyof typeof ERRORS, message: string = ERRORS[id]): void {
    this.#refuse(id)
    this.connection.send(error(message))
    this.connection.close(PARTING[id] ?? DONE)
  }

  #refuse(id: string): void {
    const { counters, hooks } = this.#parts
    counters.countError(id)
    hooks.observer?.refused?.(this.peer, id)
  }

  /** As the original reads it: of several, the last. */
  #param(name: string): string {
    return this.#query.getAll(name).at(-1) ?? ""
  }
}

/** Whether a message may go to the peer of this id, whose room is its own. */
function mayReach(grant: Grant, id: string): boolean {
  return may(grant, "send") && (grant.reach === undefined || isAmong(id, grant.reach))
}
