// What a node knows of the way to one peer that is elsewhere. What becomes of it is decided in routes.ts alone.

import type { NodeId, PeerId, RoomKey } from "../../rooms/ids.ts"
import type { Message } from "./waiting.ts"

/** The way to one peer. */
export interface Route {
  readonly id: string
  readonly room: RoomKey
  state: "asking" | "known" | "absent" | "returning"
  /** Where it is, when known. */
  node: NodeId | undefined
  peer: PeerId | undefined
  /** The node that gave something back: not believed again before the next tick. */
  doubted: NodeId | undefined
  readonly waiting: Message[]
  /** What came back, older than all that waits. */
  readonly returned: Message[]
  /** When messages began to wait; undefined while they do not. */
  waitsSince: number | undefined
  /** When the state began, and when it was last used; coarse. */
  since: number
  usedAt: number
}

/** One that nobody was asked about yet. */
export function makeRoute(id: string, room: RoomKey, now: number): Route {
  return {
    id,
    room,
    state: "asking",
    node: undefined,
    peer: undefined,
    doubted: undefined,
    waiting: [],
    returned: [],
    waitsSince: undefined,
    since: now,
    usedAt: now,
  }
}
