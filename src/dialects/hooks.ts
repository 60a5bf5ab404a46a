// Where the core lets others in. Plug-ins are composed into one Hooks at start (src/plugins); the core does not know
// what they are. Everything here may be absent, and costs one look at an undefined field then.

import type { Close } from "../connections/close.ts"
import type { Connection } from "../connections/connection.ts"
import type { ConnectionObserver } from "../connections/connections.ts"
import type { Grant } from "../rooms/grant.ts"
import type { PeerId, RoomKey } from "../rooms/ids.ts"
import type { Membership } from "../rooms/membership.ts"
import type { RoomObserver } from "../rooms/observer.ts"
import type { Ref, Relay } from "../rooms/room-store.ts"
import type { Conversation } from "./conversation.ts"

/** A value now, or later when a hook has to wait. */
export type Soon<T> = T | Promise<T>

/** A refusal in a plug-in's words: id and text of an error. */
export interface Problem {
  readonly id: string
  readonly message: string
}

/** A plug-in failed: by a bug of its own, or as the store is away. The dialect has words for both. */
export interface Failed {
  readonly error: "internal" | "unavailable"
}

/** Why a peer may not join. */
export type Refused = Problem | Failed

/** What becomes of a wish to join: a refusal, or what there is to say of the member. */
export type Verdict = Refused | { readonly grant: Grant }

/** Where a request comes from, and what its client speaks. */
export interface Visitor {
  readonly address: string
  /** The dialect's name; undefined where the first message will tell. */
  readonly dialect: string | undefined
}

/** Which rooms a visitor may be told of, by their names. */
export type MayKnow = (roomId: string) => boolean

/** What is known of a join before it happens. */
export interface AskedJoin {
  /** The dialect's name. */
  readonly dialect: string
  readonly room: RoomKey
  readonly roomId: string
  /** The checked status as the client gave it. */
  readonly status: Readonly<Record<string, unknown>>
  readonly fields: Readonly<Record<string, unknown>>
}

/** A client event beyond the dialect's own, as a plug-in gets it. */
export interface PluginRequest {
  readonly event: string
  readonly ref: Ref
  /** The whole message. */
  readonly fields: Record<string, unknown>
  /** Answers with an event, with the request's `ref`. */
  reply(event: string, fields: Readonly<Record<string, unknown>>): void
  /** Answers that a field is not what the plug-in's schema asks for. */
  refuseInvalid(issue: string): void
  /** Answers that the plug-in failed. */
  refuseFailed(failed: Failed): void
  /** Answers with an error in a plug-in's words. */
  refuseAs(problem: Problem): void
}

/** Everything that is told to plug-ins, after it happened. */
export interface Observer extends ConnectionObserver, RoomObserver {
  readonly refused?: ((peer: PeerId, error: string) => void) | undefined
}

/** What the core asks of its plug-ins. None of these throws or rejects: the composition sees to that. */
export interface Hooks {
  /** Whether a connection may open: undefined, or how to close it. */
  readonly connect?:
    | ((request: Request, visitor: Visitor, conversation: Conversation) => Soon<Close | undefined>)
    | undefined
  /** Whether a peer may join, and what there is to say of it. */
  readonly join?: ((conversation: Conversation, asked: AskedJoin) => Soon<Verdict | undefined>) | undefined
  /** Which rooms a plain HTTP request may be told of; all, when nobody has anything to say. */
  readonly look?: ((request: Request, visitor: Visitor) => Soon<Refused | MayKnow | undefined>) | undefined
  /** Further fields of the answer to a join. */
  readonly joinedFields?:
    | ((conversation: Conversation, membership: Membership) => Readonly<Record<string, unknown>> | undefined)
    | undefined
  /** Client events beyond the dialect's own, by name. */
  readonly events?: ReadonlyMap<string, (conversation: Conversation, request: PluginRequest) => Soon<void>> | undefined
  readonly observer?: Observer | undefined
  /** A conversation goes on on another connection. */
  readonly moved?: ((from: Connection, to: Connection) => void) | undefined
  /** A message of a plug-in to its like at this node: see Announcer.tell. */
  readonly told?: ((relay: Relay) => void) | undefined
}
