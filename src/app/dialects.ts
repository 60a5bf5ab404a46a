// The dialects of this server, in the order in which they are asked for a connection (openConversation): those that know
// their clients by the handshake, then those that know them by their first message, and palava, which takes the rest.

import type { Dialect, DialectParts } from "../dialects/contract.ts"
import { makePalava } from "../dialects/palava/palava.ts"
import { makeSimpleWebRtc } from "../dialects/simplewebrtc/simplewebrtc.ts"

/** All but palava, by the name by which `--dialect` switches them on. */
const OTHERS: Readonly<Record<string, (parts: DialectParts) => Dialect>> = {
  simplewebrtc: makeSimpleWebRtc,
}

/**
 * Makes the dialects.
 * @param wanted names of those that are switched on, all if none is given; palava always is
 */
export function makeDialects(parts: DialectParts, wanted: readonly string[]): readonly Dialect[] {
  const others = Object.entries(OTHERS).filter(([name]) => wanted.length === 0 || wanted.includes(name))
  return [...others.map(([, make]) => make(parts)), makePalava(parts)]
}
