// One client that speaks TogetherJS: a member of the room in its path as long as it is connected. Every text that is JSON
// goes to the others as it came, never read and written anew. The dialect has no word for an error: who cannot be served
// is parted from, and its client connects again by itself.

import { CLOSE, type Close } from "../../connections/close.ts"
import type { Connection } from "../../connections/connection.ts"
import type { RoomEncoder } from "../../rooms/encoder.ts"
import type { PeerId } from "../../rooms/ids.ts"
import type { Membership } from "../../rooms/membership.ts"
import type { DialectParts } from "../contract.ts"
import type { Conversation } from "../conversation.ts"
import type { DialectCounters } from "../counters.ts"
import { type EntryOutcome, enterRoom, NO_STATUS } from "../entry.ts"
import { makeHolder } from "../holder.ts"
import { readJson } from "../json.ts"
import type { TogetherRooms } from "./rooms.ts"

/** What all clients of a node share. */
export interface TogetherParts extends DialectParts {
  readonly counters: DialectCounters
  readonly maxFrameBytes: number
  /** The rooms with members here. */
  readonly named: TogetherRooms
  /** The connections of this dialect that are open. */
  readonly open: Set<Connection>
}

/** The hub announces nobody: clients say hello and goodbye themselves. */
const SILENT_ENCODER: RoomEncoder = {
  joined: () => undefined,
  left: () => undefined,
  status: () => undefined,
}

/** How to part from who may not enter. */
const PARTING: Readonly<Record<Exclude<EntryOutcome, "entered" | "gone">, Close>> = {
  full: CLOSE.roomFull,
  unauthorized: CLOSE.unauthorized,
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
    const { open, named, rooms } = this.#parts
    open.delete(this.connection)
    const { membership } = this
    if (membership === undefined) return
    this.membership = undefined
    void rooms.commands.leave(membership)
    named.remove(this.#room, membership)
  }

  sendEvent(): void {}

  /** Passes a text on; to the sender as well when it asks for its place in the order. */
  async #pass(text: string): Promise<void> {
    const { membership } = this
    if (membership === undefined) return
    const { counters, rooms } = this.#parts
    const message = readJson(text) as { readonly "server-echo"?: unknown } | null | undefined
    if (message === undefined) return this.#refuse("invalid_message")
    counters.countEvent("message")
    const to = message?.["server-echo"] ? "all" : "others"
    if ((await rooms.commands.publish(membership, text, to)) !== "unavailable") return
    // A text that some have and others will never get would part their pages for good.
    this.#refuse("unavailable")
    this.connection.close(CLOSE.unavailable)
  }

  async #enter(): Promise<void> {
    const { counters, limits, named } = this.#parts
    const outcome = await enterRoom(this.#parts, counters, {
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
        // Ids are the server\'s: nobody else comes under one of them.
        onTakenOver: () => {},
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
    const { counters, hooks } = this.#parts
    counters.countError(error)
    hooks.observer?.refused?.(this.peer, error)
  }
}
