// What is told of rooms for their timelines (src/trace): enough to see why two peers did not connect.

import type { PeerId, RoomKey } from "./ids.ts"

/** What happens to a peer in a room; what becomes of messages between peers is told apart from it. */
export type TraceEvent =
  | "joined"
  | "refused"
  | "left"
  /** Its client came back as itself, at this node. */
  | "resumed"
  /** The connection broke; the membership is held for its client. */
  | "lost"
  /** The connection ended; the detail is the close code. */
  | "closed"
  /** The client was told of an error; the detail is its id. */
  | "error"
  /** A message did not reach its target; the detail is why. */
  | "unreachable"
  /** This node missed something of the room's log, and repaired it. */
  | "gap"
  /** The log had lost live members of this node, who were claimed back. */
  | "reclaimed"

/** Told what happens in rooms with members at this node. */
export interface RoomTracer {
  /** @param peer undefined where it concerns all */
  happened(room: RoomKey, peer: PeerId | undefined, what: TraceEvent, detail?: string): void
  /** A message was passed on, to one peer or to all (undefined). On the hot path. */
  relayed(room: RoomKey, from: PeerId, to: PeerId | undefined, text: string): void
}
