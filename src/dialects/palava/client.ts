// What the handlers of the palava dialect need: a client, and what they work with.

import type { RoomCommands } from "../../rooms/commands.ts"
import type { Holder, Membership } from "../../rooms/membership.ts"
import type { Ref } from "../../rooms/room-store.ts"
import type { DialectParts } from "../contract.ts"
import type { Conversation } from "../conversation.ts"
import type { DialectCounters } from "../counters.ts"
import type { Problem } from "../hooks.ts"
import type { Arrival, ArrivingClient } from "./arrival.ts"
import type { ErrorId } from "./errors.ts"
import type { HandOvers } from "./hand-overs.ts"
import type { PreparedResumption, Resumption } from "./resumption.ts"
import type { Resumptions } from "./resumptions.ts"

/** One client: a member of one room at most. */
export interface PalavaClient extends Conversation, Holder, ArrivingClient {
  readonly membership: Membership | undefined
  /** There where another connection of this client may take the membership over. */
  readonly resumption: Resumption | undefined
  /** For the membership that is asked for now. */
  prepared: PreparedResumption | undefined
  /** Its membership, on its way here from another node. */
  arrival: Arrival | undefined
  /** Sends a frame, and keeps it where it may have to be sent again. */
  send(text: string): void
  /** Tells the client that another of its identity is in its place, and parts from it for good. */
  partAsReplaced(ref: Ref): void
  /** Leaves the room, if in any. */
  leave(): Promise<void> | undefined
  /** Answers with an error event and counts it. */
  refuse(id: ErrorId, ref: Ref, message?: string): void
  /** Answers with an error event in a plug-in's words. */
  refuseAs(problem: Problem, ref: Ref): void
}

/** What all clients of a node share. */
export interface PalavaParts extends DialectParts {
  readonly commands: RoomCommands
  readonly counters: DialectCounters
  readonly resumptions: Resumptions
  readonly handOvers: HandOvers
}
