// What is told of rooms to whoever looks on (plug-ins), after it happened.

import type { PeerId, RoomKey } from "./ids.ts"
import type { StatusText } from "./room-store.ts"

/** What happens to this node's own peers and rooms, and to those of dead nodes that this node swept. */
export interface RoomObserver {
  readonly joined?: ((peer: PeerId, room: RoomKey) => void) | undefined
  readonly left?: ((peer: PeerId, room: RoomKey, stayedMs: number) => void) | undefined
  readonly statusUpdated?: ((peer: PeerId, room: RoomKey, status: StatusText) => void) | undefined
  readonly relayed?: ((from: PeerId, to: PeerId, characters: number) => void) | undefined
  readonly roomOpened?: ((room: RoomKey) => void) | undefined
  readonly roomClosed?: ((room: RoomKey, peak: number, openMs: number) => void) | undefined
}
