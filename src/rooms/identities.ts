// One identity twice in a room: whether it may be there, and if not, who of the two goes. Identities come with a grant, from
// whoever let the member in; those without one are nobody's concern here.

import type { RoomEncoder } from "./encoder.ts"
import type { Grant } from "./grant.ts"
import { type RoomKey, toMark } from "./ids.ts"
import type { JoinRequest } from "./room-store.ts"

/** What becomes of an identity that joins a room in which it is: it is there twice, or the later or the earlier one goes. */
export type SameIdentity = "allow" | "refuse" | "replace"

/** What a join asks of the store on behalf of the identity in a grant. */
export type IdentityOf = (room: RoomKey, encoder: RoomEncoder, grant: Grant | undefined) => JoinRequest["identity"]

/** Makes it. A room with one owner has nobody twice: whose it is, its dialect knows. */
export function makeIdentityOf(sameIdentity: SameIdentity): IdentityOf {
  if (sameIdentity === "allow") return () => undefined
  return (room, encoder, grant) =>
    grant?.identity === undefined || encoder.ownerOf !== undefined
      ? undefined
      : { mark: toMark(room, grant.identity), ifThere: sameIdentity }
}
