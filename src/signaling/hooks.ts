// Where the core lets others in. Plug-ins are composed into one Hooks at start (src/plugins); the core does not know
// what they are. Everything here may be absent, and costs one look at an undefined field then.

import type { Close } from "../connections/close.ts"
import type { Envelope } from "../dialects/palava/client-events.ts"
import type { PeerId, RoomKey } from "../rooms/ids.ts"
import type { Relay, StatusText } from "../rooms/room-store.ts"
import type { RoomView } from "./room-view.ts"
import type { Session } from "./session.ts"

/** A value now, or later when a hook has to wait. */
export type Soon<T> = T | Promise<T>

/** A refusal in a plug-in's words: id and text of an error event. */
export interface Problem {
  readonly id: string
  readonly message: string
}

/** What is known of a join before it happens. */
export interface JoinWish {
  readonly room: RoomKey
  readonly roomId: string
  /** The checked status as the client gave it. */
  readonly status: Readonly<Record<string, unknown>>
  readonly fields: Readonly<Record<string, unknown>>
}

/** What the core asks of its plug-ins. None of these throws or rejects: the composition sees to that. */
export interface Hooks {
  /** Whether a connection may open: undefined, or how to close it. */
  readonly connect?: ((request: Request, session: Session) => Soon<Close | undefined>) | undefined
  /** Whether a peer may join: undefined, or the error. */
  readonly join?: ((session: Session, wish: JoinWish) => Soon<Problem | undefined>) | undefined
  /** Further fields of `joined_room` for this peer. */
  readonly joinedFields?:
    | ((session: Session, room: RoomView) => Readonly<Record<string, unknown>> | undefined)
    | undefined
  /** Client events beyond the core's, by name. */
  readonly events?: ReadonlyMap<string, (session: Session, envelope: Envelope) => Soon<void>> | undefined
  readonly observer?: Observer | undefined
  /** A message of a plug-in to its like at this node: see Hub.tell. */
  readonly told?: ((relay: Relay) => void) | undefined
}

/** What happens to this node's own peers and rooms, told after it did. */
export interface Observer {
  readonly connected?: ((peer: PeerId) => void) | undefined
  readonly disconnected?: ((peer: PeerId) => void) | undefined
  readonly joined?: ((peer: PeerId, room: RoomKey) => void) | undefined
  readonly left?: ((peer: PeerId, room: RoomKey, stayedMs: number) => void) | undefined
  readonly statusUpdated?: ((peer: PeerId, room: RoomKey, status: StatusText) => void) | undefined
  readonly relayed?: ((from: PeerId, to: PeerId, characters: number) => void) | undefined
  readonly refused?: ((peer: PeerId, error: string) => void) | undefined
  readonly roomOpened?: ((room: RoomKey) => void) | undefined
  readonly roomClosed?: ((room: RoomKey, peak: number, openMs: number) => void) | undefined
}
