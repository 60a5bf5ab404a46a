// Tells an operator which pages may not connect: the usual reason why nobody can, behind a new name or a proxy.

import type { Clock } from "../clock.ts"
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
