// Members who were in a room when the process before this one ended, and are held for their clients: they are in it again,
// as if nothing had happened. Nobody is told, no join is counted.

import type { RoomEncoder } from "./encoder.ts"
import type { Grant } from "./grant.ts"
import type { IdentityOf } from "./identities.ts"
import type { RoomKey } from "./ids.ts"
import { type Holder, type Membership, makeMembership, type SentLog } from "./membership.ts"
import type { RoomRegistry } from "./registry.ts"
import type { Lock, OwnMember, RoomStore } from "./room-store.ts"

/** One of them, as it was. */
export interface FormerMember extends Omit<OwnMember, "node"> {
  readonly grant?: Grant | undefined
  readonly holder: Holder
  /** What was sent to it. */
  readonly log: SentLog
  /** It is a member again. */
  readonly onReadmitted: (membership: Membership) => void
}

/** What they come back to. */
export interface ReadmissionParts {
  readonly store: RoomStore
  readonly registry: RoomRegistry
  readonly identityOf: IdentityOf
}

/** Puts the members of a room, oldest first, in their places, before anybody else enters it. */
export async function readmit(
  { store, registry, identityOf }: ReadmissionParts,
  key: RoomKey,
  encoder: RoomEncoder,
  members: readonly FormerMember[],
  lock: Lock | undefined,
): Promise<void> {
  const room = registry.open(key, encoder)
  const memberships = members.map(({ peer, generation, rev, status, proof, grant, holder, log }) => {
    const membership = makeMembership(grant, room, peer, generation, holder, status)
    membership.statusRev = rev
    membership.proof = proof
    membership.log = log
    registry.skipPast(Math.max(generation, rev))
    return membership
  })
  room.readmit(memberships)
  room.lock = lock
  const asked = room.received
  // To the log they are older than their place in it, as whoever was taken over is: so nobody is told of a join.
  const { node } = store
  const own = members.map(({ peer, generation, born = generation, rev, status, proof, grant }) => {
    return { peer, node, generation, born, rev, status, proof, mark: identityOf(key, encoder, grant)?.mark }
  })
  room.adopt(await store.restore(key, own, [], lock), asked)
  for (const [index, membership] of memberships.entries()) {
    if (room.members.has(membership.peer)) members[index]?.onReadmitted(membership)
    // One identity may have been there twice before, and may not any more.
    else room.release(membership)
  }
}
