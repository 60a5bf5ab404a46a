// One client that speaks TogetherJS: a member of the room in its path as long as it is connected. Every text that is JSON
// goes to the others as it came, never read and written anew. The dialect has no word for an error: who cannot be served
// is parted from, and its client connects again by itself.

import { CLOSE, type Close } from "../../connections/close.ts"
import type { Connection } from "../../connections/connection.ts"
import type { PeerId } from "../../rooms/ids.ts"
import type { Membership } from "../../rooms/membership.ts"
import type { Conversation } from "../conversation.ts"
import { type EntryOutcome, enterRoom, NO_STATUS, SILENT_ENCODER } from "../entry.ts"
import { makeHolder } from "../holder.ts"
import { readJson } from "../json.ts"
import { publish, type RefusalParts, refuse } from "../refusal.ts"
import type { TogetherRooms } from "./rooms.ts"

/** What all clients of a node share. */
export interface TogetherParts extends RefusalParts {
  readonly maxFrameBytes: number
  /** The rooms with members here. */
  readonly named: TogetherRooms
  /** The connections of this dialect that are open. */
  readonly open: Set<Connection>
}

/** How to part from who may not enter. */
const PARTING: Readonly<Record<Exclude<EntryOutcome, "entered" | "gone">, Close>> = {
  full: CLOSE.roomFull,
  identity_in_room: CLOSE.identityInRoom,
  unauthorized: CLOSE.unauthorized,
  rate_limited: CLOSE.rateLimited,
  unavailable: CLOSE.unavailable,
  internal: CLOSE.internal,
}

/** See the head of this file. */
export class TogetherConversation implements Conversation {
  readonly connection: Connection
  membership: Membership | undefined
  readonly #room: string
  readonly #parts: TogetherParts
  /** While it is on its way in; what it says meanwhile waits in the connection's queue. */
  #entering: Promise<void> | undefined

  constructor(connection: Connection, room: string, parts: TogetherParts) {
    this.connection = connection
    this.#room = room
    this.#parts = parts
  }

  get maxFrameBytes(): number {
    return this.#parts.maxFrameBytes
  }

  get peer(): PeerId {
    return this.connection.id as PeerId
  }

  onOpen(): void {
    this.#parts.open.add(this.connection)
    this.#entering = this.#enter()
  }

  onMessage(text: string): void | Promise<void> {
    return this.#entering === undefined ? this.#pass(text) : this.#entering.then(() => this.#pass(text))
  }

  onRefused(): void {
    this.#refuse("rate_limited")
  }

  onClose(): void {
    this.#parts.open.delete(this.connection)
    this.#leave()
  }

  sendEvent(): void {}

  #leave(): void {
    const { membership } = this
    if (membership === undefined) return
    const { named, rooms } = this.#parts
    this.membership = undefined
    void rooms.commands.leave(membership)
    named.remove(this.#room, membership)
  }

  /** Passes a text on; to the sender as well when it asks for its place in the order. */
  #pass(text: string): void | Promise<void> {
    const { membership } = this
    if (membership === undefined) return
    if (!membership.maySend) return this.#refuse("unauthorized")
    const message = readJson(text) as { readonly "server-echo"?: unknown } | null | undefined
    if (message === undefined) return this.#refuse("invalid_message")
    this.#parts.counters.countEvent("message")
    const to = message?.["server-echo"] ? "all" : "others"
    return publish(this.#parts, this, membership, text, to)
  }

  async #enter(): Promise<void> {
    const { limits, named } = this.#parts
    const outcome = await enterRoom(this.#parts, {
      conversation: this,
      dialect: "togetherjs",
      name: this.#room,
      encoder: SILENT_ENCODER,
      holder: makeHolder(this.connection, {
        onJoined: (membership) => {
          this.membership = membership
          named.add(this.#room, membership)
          const others = membership.room.members.size - 1
          this.connection.send(`{"type":"init-connection","peerCount":${others}}`)
        },
        // Ids are the server's: nobody else comes under one of them.
        onTakenOver: () => {},
        onReplaced: () => this.#leave(),
        onRelayFailed: () => {},
      }),
      status: NO_STATUS,
      limit: limits.roomSize,
      fields: {},
    })
    this.#entering = undefined
    if (outcome !== "entered" && outcome !== "gone") this.connection.close(PARTING[outcome])
  }

  #refuse(error: string): void {
    refuse(this.#parts, this, error)
  }
}
