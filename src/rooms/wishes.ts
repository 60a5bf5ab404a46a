// What dialects wish for when somebody is to enter a room, and what becomes of it.

import type { RoomEncoder } from "./encoder.ts"
import type { Grant } from "./grant.ts"
import type { PeerId, RoomKey } from "./ids.ts"
import type { Holder } from "./membership.ts"
import type { JoinRequest, Ref, StatusText } from "./room-store.ts"

/** A wish to join. */
export interface JoinWish {
  readonly room: RoomKey
  /** The room's dialect. */
  readonly encoder: RoomEncoder
  readonly peer: PeerId
  readonly holder: Holder
  readonly status: StatusText
  /** Most members the room may have with this one. */
  readonly limit: number
  /** What becomes of another membership of this peer in the room. */
  readonly ifTaken: JoinRequest["ifTaken"]
  /** Proves who may take it over, and that this client may; see JoinRequest. */
  readonly proof?: JoinRequest["proof"]
  /** What whoever let it in has to say of it. */
  readonly grant?: Grant | undefined
  /** Given back with `holder.onJoined`. */
  readonly ref: Ref
}

/**
 * What became of it. `joined`: holder.onJoined was called, unless the client was gone by then. `taken`: also while another
 * membership of the peer is on its way into the room at this node, whatever `ifTaken` says.
 */
export type JoinOutcome = "joined" | "full" | "locked" | "taken" | "unproven" | "rate_limited" | "unavailable"
