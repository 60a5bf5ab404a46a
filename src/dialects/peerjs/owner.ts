// One owner of an id, also after Redis has lost what it knew last. A room has one member; but a node that comes back puts
// its members into the room again, where another may have claimed the id meanwhile. Each node sees the same members then,
// decides the same way, and parts from those of its own that are not the owner.

import type { RoomEncoder } from "../../rooms/encoder.ts"
import type { JoinedRoom } from "../../rooms/membership.ts"
import type { Member } from "../../rooms/room-store.ts"

/** The words of a room that is an id: none, but whoever comes may be one too many. */
export const OWNER_ENCODER: RoomEncoder = {
  joined: (_member, room) => keepOwner(room),
  left: () => undefined,
  status: () => undefined,
}

/** Parts from the members of this node that do not own the id. */
export function keepOwner({ members, here }: JoinedRoom): undefined {
  if (members.size < 2) return
  const owner = ownerOf([...members.values()])
  for (const membership of [...here.values()]) {
    if (membership.peer !== owner.peer) membership.holder.onTakenOver(membership)
  }
}

/** The token that came first keeps the id, and of several with that token the last one has it, as with a takeover. */
function ownerOf(members: readonly Member[]): Member {
  const bornAt = ({ born, generation }: Member): number => born ?? generation
  const first = members.reduce((a, b) => (bornAt(b) < bornAt(a) ? b : a))
  return members.reduce((a, b) => (b.status === first.status && b.generation > a.generation ? b : a), first)
}
