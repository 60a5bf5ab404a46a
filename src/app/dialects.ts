// The dialects of this server, in the order in which they are asked for a connection (openConversation): those that know
// their clients by the handshake, then those that know them by their first message, and palava, which takes the rest.

import type { Config } from "../config/options.ts"
import type { Dialect, DialectParts } from "../dialects/contract.ts"
import { makePalava } from "../dialects/palava/palava.ts"
import { makePeerJs } from "../dialects/peerjs/peerjs.ts"
import { makeSimpleWebRtc } from "../dialects/simplewebrtc/simplewebrtc.ts"
import { makeTogetherJs } from "../dialects/togetherjs/togetherjs.ts"
import { makeWebrtcIo } from "../dialects/webrtc-io/webrtc-io.ts"
import { makeYWebrtc } from "../dialects/y-webrtc/y-webrtc.ts"

/** All but palava, by the name by which `--dialect` switches them on. */
const OTHERS: Readonly<Record<string, (parts: DialectParts, config: Config) => Dialect>> = {
  peerjs: (parts, { peerjsKey, peerjsDiscovery }) => makePeerJs(parts, peerjsKey, peerjsDiscovery),
  simplewebrtc: makeSimpleWebRtc,
  togetherjs: makeTogetherJs,
  "webrtc-io": makeWebrtcIo,
  "y-webrtc": (parts, { yWebrtcPublishAny }) => makeYWebrtc(parts, yWebrtcPublishAny),
}

/** Makes the dialects that `--dialect` switches on, all if it is not given; palava always is. */
export function makeDialects(parts: DialectParts, config: Config): readonly Dialect[] {
  const wanted = config.dialect as readonly string[]
  const others = Object.entries(OTHERS).filter(([name]) => wanted.length === 0 || wanted.includes(name))
  return [...others.map(([, make]) => make(parts, config)), makePalava(parts)]
}
