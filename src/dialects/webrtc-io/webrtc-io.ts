// The webrtc.io dialect: what npm's webrtc.io 0.0.4 and its client say, {"eventName":...,"data":{...}}.

import type { Dialect, DialectParts } from "../contract.ts"
import { DialectCounters } from "../counters.ts"
import { readObject } from "../json.ts"
import { WebrtcIoConversation } from "./conversation.ts"

/** Makes the dialect. */
export function makeWebrtcIo(parts: DialectParts): Dialect {
  const counters = new DialectCounters()
  return {
    name: "webrtc-io",
    counters,
    maxFrameBytes: parts.limits.maxFrameBytes,
    // Its client is given any URL: only what it says first tells.
    recognises: () => true,
    recognisesFirst(text) {
      // Most first messages are palava's: no need to read them here.
      if (!text.includes('"eventName"')) return false
      const message = readObject(text)
      return typeof message?.["eventName"] === "string" && typeof message["event"] !== "string"
    },
    open: (connection) => new WebrtcIoConversation(connection, { ...parts, counters }),
  }
}
