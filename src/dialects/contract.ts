// THE contract between the server and a dialect: how clients of one kind speak. A dialect decides whether a handshake is
// its own, turns frames into commands on rooms, and room events into frames. Nothing outside a dialect's folder knows its
// words. A room speaks one dialect, as its key is made of the dialect's name and the room's: no translation is promised.

import type { Clock } from "../clock.ts"
import type { Connection } from "../connections/connection.ts"
import type { Log } from "../log.ts"
import type { PeerId } from "../rooms/ids.ts"
import type { Rooms } from "../rooms/rooms.ts"
import type { Conversation } from "./conversation.ts"
import type { DialectCounters, ResumptionCounters } from "./counters.ts"
import type { Hooks } from "./hooks.ts"

/** A WebSocket handshake. */
export interface Handshake {
  readonly request: Request
  readonly url: URL
}

/** What a dialect is given to work with. */
export interface DialectParts {
  readonly rooms: Pick<Rooms, "commands" | "announcer" | "node">
  readonly hooks: Hooks
  readonly log: Log
  readonly clock: Clock
  readonly limits: {
    /** Most members of a room. */
    readonly roomSize: number
    /** Largest frame, in bytes, where a dialect has no limit of its own. */
    readonly maxFrameBytes: number
    /** Unsent bytes after which a reader is closed: no dialect's frame may be larger. */
    readonly maxBacklogBytes: number
    /** How long a membership is held for a client whose connection broke; 0 is not at all. */
    readonly resumeSeconds: number
    /** What is kept for clients to come back, all together, in MiB. */
    readonly resumeMemoryMb: number
  }
}

/** How clients of one kind speak. */
export interface Dialect {
  readonly name: string
  /** WebSocket sub-protocol it answers when a client offers it (RFC 6455 section 1.9). */
  readonly subProtocol?: string
  /** Largest frame any of its clients may send, in bytes; their conversations say it each. */
  readonly maxFrameBytes: number
  readonly counters: DialectCounters
  /** Where its clients can come back as themselves. */
  readonly resumptions?: ResumptionCounters
  /** Who is known by this peer id on a connection of another id, or on none for now. */
  find?(peer: PeerId): Conversation | undefined
  /** Whether a client that connects in this way may be one of its own. */
  recognises(handshake: Handshake): boolean
  /** An HTTP answer in place of a handshake that is its own but cannot be served; undefined for all others. */
  refuse?(handshake: Handshake): Response | undefined
  /** Whether a first message is one of its own; without it, the handshake decides. */
  recognisesFirst?(text: string): boolean
  /** A client connects; the conversation may speak in `onOpen`. */
  open(connection: Connection, handshake: Handshake): Conversation
  /** Plain HTTP requests of its clients; undefined for those that are not. */
  answer?(request: Request, url: URL): Response | Promise<Response> | undefined
}
