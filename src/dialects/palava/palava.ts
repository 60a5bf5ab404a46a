// The palava dialect (protocol.md): the server's own.

import type { Dialect, DialectParts } from "../contract.ts"
import { DialectCounters } from "../counters.ts"
import { PalavaConversation } from "./conversation.ts"
import { HandOvers } from "./hand-overs.ts"
import { packHeld, unpackHeld } from "./held-state.ts"
import { Resumptions } from "./resumptions.ts"

/** Makes the dialect. It takes every client that no other dialect recognises. */
export function makePalava(parts: DialectParts): Dialect {
  const counters = new DialectCounters("send_to_peer")
  const { rooms, clock, log, limits } = parts
  const handOvers = new HandOvers(parts)
  const resumptions = new Resumptions({
    node: rooms.node,
    clock,
    seconds: limits.resumeSeconds,
    memoryMb: limits.resumeMemoryMb,
    moving: () => handOvers.size,
    onBug: (cause) => log.error({ err: cause }, "bug: a leave failed"),
  })
  const shared = { ...parts, commands: rooms.commands, counters, resumptions, handOvers }
  return {
    name: "palava",
    subProtocol: "palava.1.0",
    counters,
    resumptions: resumptions.counters,
    find: (peer) => resumptions.get(peer),
    maxFrameBytes: parts.limits.maxFrameBytes,
    recognises: () => true,
    recognisesFirst: () => true,
    packHeld: () => packHeld(shared),
    unpackHeld: (held, ageMs, makeClosed) => unpackHeld(shared, held, ageMs, makeClosed),
    open: (connection) => new PalavaConversation(connection, shared),
  }
}
