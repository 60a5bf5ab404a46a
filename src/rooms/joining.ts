// One join, from the wish to the yes that the room's log shows; or what became of it instead. Which joins are under way, and
// that none begins at the end, commands.ts knows.

import type { Clock } from "../clock.ts"
import { CHANGE_BYTES, outputOfJoin } from "./costs.ts"
import type { IdentityOf } from "./identities.ts"
import { makeMembership } from "./membership.ts"
import type { RoomRegistry } from "./registry.ts"
import type { Repairs } from "./repairs.ts"
import { type RoomStore, StoreUnavailable } from "./room-store.ts"
import type { JoinOutcome, JoinWish } from "./wishes.ts"

/**
 * 5 s from the store's yes to the own event in the log, which comes within milliseconds or after a repair or two; later,
 * the join is taken back and answered with "unavailable".
 */
const JOIN_EVENT_MS = 5_000

/** What a join needs. */
export interface JoiningParts {
  readonly store: RoomStore
  readonly registry: RoomRegistry
  readonly repairs: Repairs
  readonly identityOf: IdentityOf
  readonly clock: Clock
}

/** Joins. Rejects only by a bug. */
export async function joinRoom(
  parts: JoiningParts,
  { room: key, encoder, peer, holder, status, limit, ifTaken, proof, grant, ref }: JoinWish,
): Promise<JoinOutcome> {
  const { store, registry, repairs, identityOf, clock } = parts
  const room = registry.open(key, encoder)
  const generation = registry.nextNumber()
  const membership = makeMembership(grant, room, peer, generation, holder, status)
  membership.proof = proof?.next
  const most = Math.min(limit, grant?.peers ?? limit)
  const identity = identityOf(key, encoder, grant)
  const request = { room: key, peer, generation, rev: generation, status, limit: most, ifTaken, proof, identity }
  const { promise: landed, resolve: onJoined } = Promise.withResolvers<void>()
  if (!room.addJoiner({ membership, ref, mark: identity?.mark, isAnswered: false, onJoined })) return "taken"
  const asked = room.received
  try {
    const result = await store.join({ ...request, withSnapshot: !room.isLive })
    holder.payer.charge(CHANGE_BYTES)
    if (result.kind !== "joined") return result.kind
    const joiner = room.joiners.get(peer)
    if (joiner?.membership !== membership) return "joined"
    joiner.isAnswered = true
    if (result.snapshot !== undefined && !room.isLive) room.adopt(result.snapshot, asked)
    else room.onJoinAnswered(result.position)
    if (await isInTime(landed, clock)) {
      holder.payer.charge(outputOfJoin(room, status))
      return "joined"
    }
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable)) throw cause
    // It is in, or has been: only the answer was lost.
    if (room.joiners.get(peer)?.membership !== membership) return "joined"
  } finally {
    if (room.joiners.get(peer)?.membership === membership) room.removeJoiner(membership)
    if (!holder.isOpen && !membership.isIn) await repairs.leave(room, peer, generation)
    registry.dropIfUnused(room)
  }
  // Whether the join happened is unknown: it is taken back.
  repairs.leaveLater(room, peer, generation)
  return "unavailable"
}

function isInTime(landed: Promise<void>, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(JOIN_EVENT_MS, () => resolve(false))
    landed.then(() => {
      cancel()
      resolve(true)
    })
  })
}
