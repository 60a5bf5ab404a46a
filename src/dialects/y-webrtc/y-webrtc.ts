// The y-webrtc dialect: the signaling of Yjs's y-webrtc 10. Clients subscribe to topics and publish to them. Its words:
// {"type":"subscribe","topics":[...]}, unsubscribe, {"type":"publish","topic":...,"data":...}, ping.

import type { Dialect, DialectParts } from "../contract.ts"
import { DialectCounters } from "../counters.ts"
import { readObject } from "../json.ts"
import { YWebrtcConversation } from "./conversation.ts"

/** The types of its messages. */
const TYPES: ReadonlySet<unknown> = new Set(["subscribe", "unsubscribe", "publish", "ping"])

/**
 * Makes the dialect.
 * @param publishAny whether a client may publish to a topic without being subscribed to it, as the original lets it
 */
export function makeYWebrtc(parts: DialectParts, publishAny: boolean): Dialect {
  const counters = new DialectCounters("publish")
  const { maxFrameBytes } = parts.limits
  return {
    name: "y-webrtc",
    counters,
    maxFrameBytes,
    // Its client is given any URL: only what it says first tells.
    recognises: () => true,
    recognisesFirst(text) {
      // Most first messages are palava's: no need to read them here.
      if (!text.includes('"type"')) return false
      const message = readObject(text)
      return message !== undefined && TYPES.has(message["type"]) && typeof message["event"] !== "string"
    },
    open: (connection) => new YWebrtcConversation(connection, { ...parts, counters, publishAny }),
  }
}
