// THE contract between the server and a dialect: how clients of one kind speak. A dialect decides whether a handshake is
// its own, turns frames into commands on rooms, and room events into frames. Nothing outside a dialect's folder knows its
// words. A room speaks one dialect, as its key is made of the dialect's name and the room's: no translation is promised.

import type { Clock } from "../clock.ts"
import type { Close } from "../connections/close.ts"
import type { Connection } from "../connections/connection.ts"
import type { Receiver } from "../connections/receiver.ts"
import type { PlainTopics, Socket } from "../connections/socket.ts"
import type { Log } from "../log.ts"
import type { PeerId } from "../rooms/ids.ts"
import type { Rooms } from "../rooms/rooms.ts"
import type { Conversation } from "./conversation.ts"
import type { DialectCounters, ResumptionCounters } from "./counters.ts"
import type { Hooks } from "./hooks.ts"
import type { IceOptions } from "./ice.ts"

/** A WebSocket handshake. */
export interface Handshake {
  readonly request: Request
  /** That of `url`, and all that most dialects have to look at. */
  readonly pathname: string
  /** Made when it is asked for. */
  readonly url: URL
}

/** A plain HTTP request, as the listener sees it, and the way in for a client without a WebSocket. */
export interface Visit {
  /** Where it comes from; empty when the client is gone. */
  readonly address: string
  /** The port it comes from, or a proxy does. */
  readonly port: number
  /** Whose request it is, told by what clients cannot choose: of the address, and more where an unknown proxy has many. */
  readonly visitor: string
  /** The answer to a client that may not connect now, whatever it speaks; undefined when it may. */
  refusal(): Response | undefined
  /** Takes the price of a plain request from its address. @returns the answer to one that it cannot pay */
  charge(): Response | undefined
  /** The answer may take as long as the dialect waits. */
  hold(): void
  /**
   * Opens a connection over a socket of the dialect's own; it counts as any other.
   * @returns why it did not open; undefined when it did
   */
  open(dialect: string, converse: (connection: Connection) => Conversation, socket: Socket): Promise<Close | undefined>
}

/** What uses a WebSocket: a connection, or a dialect that is about to give the socket to one. */
export interface SocketUser {
  readonly receiver: Pick<Receiver, "maxFrameBytes">
  onOpen(socket: Socket): void
  onMessage(text: string): void
  onPong(): void
  onClose(code: number): void
  close(close: Close): void
}

/** What becomes of a WebSocket handshake that names something its client has of the dialect already. */
export type Admission =
  | { readonly kind: "refused"; readonly response: Response }
  /** The socket is for this user; plug-ins were asked when its connection opened. */
  | { readonly kind: "user"; readonly user: SocketUser }
  /** A new connection with this id. */
  | { readonly kind: "id"; readonly id: string }

/** What a dialect is given to work with. */
export interface DialectParts {
  readonly rooms: Pick<
    Rooms,
    "commands" | "announcer" | "crossRelays" | "redirects" | "registry" | "readmit" | "node" | "tracer"
  >
  readonly hooks: Hooks
  readonly log: Log
  readonly clock: Clock
  /** For clients without a WebSocket. */
  readonly topics: PlainTopics
  readonly ice: IceOptions
  /** Whether there may be other nodes, so that a client's next request may reach another one. */
  readonly isClustered: boolean
  readonly limits: {
    /** Most members of a room. */
    readonly roomSize: number
    /** Who may lock a room, of those of whom no grant says it: "members" or nobody ("off"). */
    readonly roomLocks: string
    /** Largest frame, in bytes, where a dialect has no limit of its own. */
    readonly maxFrameBytes: number
    /** Unsent bytes after which a reader is closed: no dialect's frame may be larger. */
    readonly maxBacklogBytes: number
    /** How long a membership is held for a client whose connection broke; 0 is not at all. */
    readonly resumeSeconds: number
    /** What is kept for clients to come back, all together, in MiB. */
    readonly resumeMemoryMb: number
    /** Seconds of silence before a client is pinged, and before it counts as dead. */
    readonly pingSeconds: number
    readonly deadSeconds: number
  }
}

/** Makes a connection that is closed, and what spoke on it: for a client that is away. */
export type MakeClosed = <Its extends Conversation>(converse: (connection: Connection) => Its) => Its

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
  /** Whether a first message is one of its own; without it, the handshake decides. */
  recognisesFirst?(text: string): boolean
  /** A client connects; the conversation may speak in `onOpen`. */
  open(connection: Connection, handshake: Handshake): Conversation
  /**
   * What it holds for clients to come back, once no connection is open, for a process that takes the place of this one:
   * plain data for JSON, which only `unpackHeld` reads.
   */
  packHeld?(): Promise<unknown>
  /**
   * Holds what `packHeld` gave `ageMs` milliseconds ago, before any client connects.
   * @returns how many memberships; undefined, and nothing was changed, when this is not what it gives
   */
  unpackHeld?(held: unknown, ageMs: number, makeClosed: MakeClosed): Promise<number | undefined>
  /** Messages that it keeps for who is not there, now; undefined where it keeps none. */
  readonly waiting?: () => number
  /** Bytes that it keeps for clients beyond what their connections keep. */
  readonly keptBytes?: () => number
  /** Plain HTTP requests of its clients; undefined for those that are not. */
  answer?(request: Request, url: URL, visit: Visit): Response | Promise<Response> | undefined
  /** A WebSocket handshake that is more than that of a new client; undefined for all others. */
  admit?(handshake: Handshake, visit: Pick<Visit, "visitor" | "port">): Admission | undefined
}
