// THE contract between the server and a dialect: how clients of one kind speak. A dialect decides whether a handshake is
// its own, turns frames into commands on rooms, and room events into frames. Nothing outside a dialect's folder knows its
// words. A room speaks one dialect, as its key is made of the dialect's name and the room's: no translation is promised.

import type { Connection, Receiver } from "../connections/connection.ts"
import type { RoomEncoder } from "../rooms/encoder.ts"
import type { PeerId } from "../rooms/ids.ts"
import type { Membership } from "../rooms/membership.ts"

/** A WebSocket handshake. */
export interface Handshake {
  readonly request: Request
  readonly url: URL
}

/** One client's side of a dialect: what it said, where it is a member, how to speak to it. */
export interface Conversation extends Receiver {
  readonly connection: Connection
  /** The id by which the members of its room know it. */
  readonly peer: PeerId
  /** Where it is a member; of several, the oldest. */
  readonly membership: Membership | undefined
  /** Sends an event of a plug-in; nothing where the dialect has no words for it. */
  sendEvent(event: string, fields: Readonly<Record<string, unknown>>): void
  /** The server goes away in so many seconds; nothing where the dialect has no word for it. */
  announceShutdown?(seconds: number): void
}

/** How clients of one kind speak. */
export interface Dialect {
  readonly name: string
  /** WebSocket sub-protocol it answers when a client offers it (RFC 6455 section 1.9). */
  readonly subProtocol?: string
  /** Largest frame a client may send, in bytes; the server's own limit where it is not given. */
  readonly maxFrameBytes?: number
  /** How its rooms' events read. */
  readonly encoder: RoomEncoder
  /** Whether a client that connects in this way may be one of its own. */
  recognises(handshake: Handshake): boolean
  /** Whether a first message is one of its own; without it, the handshake decides. */
  recognisesFirst?(text: string): boolean
  /** A client connects; the conversation may speak in `onOpen`. */
  open(connection: Connection, handshake: Handshake): Conversation
  /** Plain HTTP requests of its clients; undefined for those that are not. */
  answer?(request: Request, url: URL): Response | Promise<Response> | undefined
}
