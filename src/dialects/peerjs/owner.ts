// One owner of an id, also after Redis has lost what it knew last. A room has one member; but a node that comes back puts
// its members into the room again, where another may have claimed the id meanwhile. Each node sees the same members then,
// decides the same way, and parts from those of its own that are not the owner.

import type { RoomEncoder } from "../../rooms/encoder.ts"
import type { Member } from "../../rooms/room-store.ts"
import { SILENT_ENCODER } from "../entry.ts"

/** The words of a room that is an id: none. */
export const OWNER_ENCODER: RoomEncoder = {
  ...SILENT_ENCODER,
  /** The token that came first keeps the id, and of several with that token the last one has it, as with a takeover. */
  ownerOf(members) {
    const first = members.reduce((a, b) => (bornAt(b) < bornAt(a) ? b : a))
    return members.reduce((a, b) => (b.status === first.status && b.generation > a.generation ? b : a), first)
  },
}

function bornAt({ born, generation }: Member): number {
  return born ?? generation
}
