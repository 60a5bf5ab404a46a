// How a client comes back: to this node, which has its membership, or from another one, by the proof that the store has.

import { sleep } from "../../clock.ts"
import type { Ref } from "../../rooms/room-store.ts"
import { Arrival } from "./arrival.ts"
import type { PalavaClient, PalavaParts } from "./client.ts"
import { PALAVA_ENCODER } from "./encoder.ts"
import { NOT_SENT } from "./errors.ts"
import { type ReadToken, readToken, toProof } from "./resume-token.ts"
import { EMPTY_STATUS } from "./status.ts"

/**
 * 3 times 100 ms: the proof of a resumption that was just made elsewhere is on its way to the store by then. A client that
 * breaks off right behind its answer is quicker than it.
 */
const PROOF_TRIES = 3
const PROOF_LATE_MS = 100

/** Takes the membership over that `token` is for; the client has the first `received` frames of it. */
export function resume(
  parts: PalavaParts,
  client: PalavaClient,
  token: unknown,
  received: number,
  ref: Ref,
): void | Promise<void> {
  const { resumptions, handOvers } = parts
  const given = readToken(token)
  if (given === undefined) return fail(parts, client, ref)
  const { peer } = given
  // Two at once would be in each other's way. The later one has it in the end, as its client is the same and has waited.
  const other = handOvers.arrivalOf(peer)
  if (other !== undefined) {
    return other.done.then(() => (client.isOpen ? resume(parts, client, token, received, ref) : undefined))
  }
  if (resumptions.get(peer) === undefined) return proveFirst(parts, client, token, given, received, ref)
  const outcome = resumptions.resume(client.connection, given, received, ref)
  if (outcome === "invalid_message") client.refuse(outcome, ref, NOT_SENT)
  else if (outcome === "resume_failed") fail(parts, client, ref)
  else return outcome
}

/**
 * A token may be invented, room and peer in it anybody's: until the store has said that it is a true one, nothing is done that
 * others in that room, or that peer, could feel.
 */
async function proveFirst(
  parts: PalavaParts,
  client: PalavaClient,
  token: unknown,
  given: ReadToken,
  received: number,
  ref: Ref,
): Promise<void> {
  const { resumptions, handOvers, commands, clock, isClustered } = parts
  const { room, peer, hash } = given
  let isProven = await commands.isProven(room, peer, toProof(hash))
  for (let again = 0; isProven === false && isClustered && again < PROOF_TRIES && client.isOpen; again++) {
    await sleep(clock, PROOF_LATE_MS)
    isProven = await commands.isProven(room, peer, toProof(hash))
  }
  if (!client.isOpen) return
  if (isProven === undefined) return client.refuse("unavailable", ref)
  // It stays away: to join anew would throw the other one out.
  if (isProven === "replaced") return client.partAsReplaced(ref)
  if (!isProven || !isClustered) return fail(parts, client, ref)
  // Meanwhile another connection of the same client may have been quicker.
  const isHere = handOvers.arrivalOf(peer) !== undefined || resumptions.get(peer) !== undefined
  return isHere ? resume(parts, client, token, received, ref) : takeOver(parts, client, given, received, ref)
}

/** The node that has the membership may be dead: what the store knows of it is enough, but for its log. */
async function takeOver(
  parts: PalavaParts,
  client: PalavaClient,
  given: ReadToken,
  received: number,
  ref: Ref,
): Promise<void> {
  const { resumptions, handOvers, commands, limits, clock, log } = parts
  const { room, peer, hash, grant } = given
  const prepared = resumptions.prepare({ room, peer, grant }, hash)
  if (prepared === undefined || (grant?.until ?? Number.POSITIVE_INFINITY) <= clock.unixMs())
    return fail(parts, client, ref)
  const onBug = (cause: unknown) => log.error({ err: cause }, "bug: a hand-over failed")
  const shared = { clock, commands, handOvers, counters: resumptions.counters, onBug }
  const arrival = new Arrival(shared, client, prepared, given, received)
  client.arrival = arrival
  handOvers.expect(arrival)
  try {
    const outcome = await commands.join({
      ...{ room, peer, encoder: PALAVA_ENCODER, holder: arrival, limit: limits.roomSize, grant, ref },
      // The store has the true one.
      status: EMPTY_STATUS,
      ifTaken: "takeOver",
      proof: { next: prepared.resumption.proof, given: toProof(hash) },
    })
    if (outcome === "unavailable" || outcome === "rate_limited") client.refuse(outcome, ref)
    else if (outcome !== "joined") fail(parts, client, ref)
    else if (arrival.isOpen) await arrival.done
  } finally {
    client.arrival = undefined
    arrival.fail()
  }
}

function fail({ resumptions }: PalavaParts, client: PalavaClient, ref: Ref): void {
  resumptions.counters.failed++
  client.refuse("resume_failed", ref)
  client.connection.onAbuse()
}
