// The palava dialect (protocol.md): the server's own.

import type { Dialect, DialectParts } from "../contract.ts"
import { DialectCounters } from "../counters.ts"
import { PalavaConversation } from "./conversation.ts"

/** Makes the dialect. It takes every client that no other dialect recognises. */
export function makePalava(parts: DialectParts): Dialect {
  const counters = new DialectCounters("send_to_peer")
  const shared = { ...parts, commands: parts.rooms.commands, counters }
  return {
    name: "palava",
    subProtocol: "palava.1.0",
    counters,
    maxFrameBytes: parts.limits.maxFrameBytes,
    recognises: () => true,
    recognisesFirst: () => true,
    open: (connection) => new PalavaConversation(connection, shared),
  }
}
