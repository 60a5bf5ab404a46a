// How a client comes back: over the membership's own node, which has its log, or from the store, which has its proof.

import { sleep } from "../../clock.ts"
import type { Ref } from "../../rooms/room-store.ts"
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
  const { resumptions, isClustered } = parts
  const given = readToken(token)
  if (given !== undefined && given.node !== resumptions.node && isClustered) return takeOver(parts, client, given, ref)
  const outcome = given === undefined ? "resume_failed" : resumptions.resume(client.connection, given, received, ref)
  if (outcome === "invalid_message") client.refuse(outcome, ref, NOT_SENT)
  else if (outcome === "resume_failed") fail(parts, client, ref)
  else return outcome
}

/** The node that has the membership may be dead: what the store knows of it is enough, but for its log. */
async function takeOver(
  parts: PalavaParts,
  client: PalavaClient,
  { room, peer, hash }: ReadToken,
  ref: Ref,
): Promise<void> {
  const { resumptions, commands, limits, clock } = parts
  const prepared = resumptions.prepare(room, peer, true)
  if (prepared === undefined) return fail(parts, client, ref)
  // Two at once would be in each other's way, and only one of them can have it.
  if (!resumptions.begin(peer)) return client.refuse("unavailable", ref)
  const ownId = client.peer
  client.peer = peer
  client.prepared = prepared
  try {
    const join = () =>
      commands.join({
        ...{ room, peer, encoder: PALAVA_ENCODER, holder: client, limit: limits.roomSize, ref },
        // The store has the true one.
        status: EMPTY_STATUS,
        ifTaken: "takeOver",
        proof: { next: prepared.resumption.proof, given: toProof(hash) },
      })
    let outcome = await join()
    for (let again = 0; outcome === "unproven" && again < PROOF_TRIES && client.isOpen; again++) {
      await sleep(clock, PROOF_LATE_MS)
      outcome = await join()
    }
    if (outcome === "joined") return
    client.peer = ownId
    if (outcome === "unavailable" || outcome === "rate_limited") client.refuse(outcome, ref)
    else fail(parts, client, ref)
  } finally {
    client.prepared = undefined
    resumptions.end(peer)
  }
}

function fail({ resumptions }: PalavaParts, client: PalavaClient, ref: Ref): void {
  resumptions.counters.failed++
  client.refuse("resume_failed", ref)
  client.connection.onAbuse()
}
