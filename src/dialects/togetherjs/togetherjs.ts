// The TogetherJS dialect: the hub of mozilla/togetherjs. A client's WebSocket is at /hub/ROOM; what it says there reaches
// the others byte for byte.

import type { Connection } from "../../connections/connection.ts"
import type { Dialect, DialectParts, Handshake } from "../contract.ts"
import { DialectCounters } from "../counters.ts"
import { ROOM_NAME_CHARACTERS } from "../entry.ts"
import { TogetherConversation } from "./conversation.ts"
import { answerHub } from "./http.ts"
import { TogetherRooms } from "./rooms.ts"

/** Where its WebSockets are. */
const HUB = "/hub/"

/** 1 MiB: avatars travel as data URLs. */
const FRAME_BYTES = 1_048_576

/** Makes the dialect. */
export function makeTogetherJs(parts: DialectParts): Dialect {
  const counters = new DialectCounters()
  const named = new TogetherRooms()
  const open = new Set<Connection>()
  // A frame that no reader's backlog has room for would part every slow reader from its room.
  const maxFrameBytes = Math.min(FRAME_BYTES, parts.limits.maxBacklogBytes)
  const shared = { ...parts, counters, named, open, maxFrameBytes }
  const hub = { rooms: named, hooks: parts.hooks, connections: () => open.size }
  return {
    name: "togetherjs",
    counters,
    maxFrameBytes,
    recognises: ({ pathname }) => pathname.startsWith(HUB),
    admit(handshake) {
      if (!handshake.pathname.startsWith(HUB)) return undefined
      const name = roomOf(handshake)
      const refuse = (text: string, status: number) =>
        ({ kind: "refused", response: new Response(text, { status }) }) as const
      if (name === "") return refuse("No ID Found", 404)
      return name.length > ROOM_NAME_CHARACTERS ? refuse("ID too long", 414) : undefined
    },
    open: (connection, handshake) => new TogetherConversation(connection, roomOf(handshake), shared),
    answer: (request, url, visit) => answerHub(hub, request, url, visit),
  }
}

/** The rest of the path without slashes, not decoded. */
function roomOf({ pathname }: Handshake): string {
  return pathname.slice(HUB.length).replaceAll("/", "")
}
