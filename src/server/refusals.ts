// Who may not connect, and what an operator is told of it: which pages, the usual reason why nobody can behind a new name,
// and which proxies nobody has named, so that all their clients have one address.

import { readAddress } from "../access/networks.ts"
import type { Clock } from "../clock.ts"
import type { Refusal } from "../connections/counters.ts"
import type { Place, Turned } from "../connections/places.ts"
import { type Log, Seldom } from "../log.ts"

/** Characters of an Origin that are shown: room for any real one (RFC 6454), none for a page full of text. */
const MOST_SHOWN = 100

/** Writes of refused origins, at most a line a minute. What it returns takes the Origin header. */
export function makeRefusalLog(log: Log, clock: Clock): (origin: string | null) => void {
  const refusals = new Seldom<string>(clock, (origin, times) => {
    log.warn({ origin, times }, "an origin was refused")
  })
  return (origin) => refusals.add((origin ?? "none").slice(0, MOST_SHOWN))
}

/**
 * Writes of private addresses that have used up what one address may have, at most a line a minute: where clients are on
 * the internet, such an address is a proxy's. Those of clients are nobody's business, and counted only.
 */
export function makePlaceLog(log: Log, clock: Clock): (place: Place, reason: Refusal) => void {
  const refusals = new Seldom<{ address: string; reason: Refusal }>(clock, (latest, times) => {
    log.warn({ ...latest, times }, "a private address is at its limit: if it is a proxy's, name it with --trust-proxy")
  })
  // A flood is refused a million times, and to read an address takes longer than all the rest of it.
  const known = new WeakMap<Place, boolean>()
  return (place, reason) => {
    const isTold = known.get(place) ?? isPrivate(place.name)
    known.set(place, isTold)
    if (isTold) refusals.add({ address: place.name, reason })
  }
}

/** The answer to who is turned away (RFC 6585 section 4). */
export function answerTurned({ retrySeconds }: Turned): Response {
  return new Response("too much from your address\n", { status: 429, headers: { "retry-after": String(retrySeconds) } })
}

/** Loopback, and the networks of RFC 1918, RFC 3927, RFC 4193 and RFC 6598. */
function isPrivate(place: string): boolean {
  const range = readAddress(place.replace(/\/64$/, ""))?.range() ?? ""
  return ["loopback", "private", "linkLocal", "uniqueLocal", "carrierGradeNat"].includes(range)
}
