// What the handlers of this dialect need: a client, and what they work with.

import type { RoomCommands } from "../../rooms/commands.ts"
import type { Membership } from "../../rooms/membership.ts"
import type { DialectParts } from "../contract.ts"
import type { Conversation } from "../conversation.ts"
import type { DialectCounters } from "../counters.ts"
import type { PingTimes } from "./packets.ts"

/** One client: a member of one room at most. */
export interface SimpleWebRtcClient extends Conversation {
  membership: Membership | undefined
  /** Whether it shares its screen, in a room or not. */
  isSharing: boolean
  /** Leaves the room, if in any; the client is not told. */
  leave(): Promise<void> | undefined
  /** Counts a refusal, and answers with it where the client waits for an answer. */
  refuse(error: string, ack?: string): void
}

/** What all clients of a node share. */
export interface SimpleWebRtcParts extends DialectParts {
  readonly commands: RoomCommands
  readonly counters: DialectCounters
  readonly times: PingTimes
}
