// The way into a room for dialects whose clients cannot be told why not: plug-ins are asked, then the store.

import type { RoomEncoder } from "../rooms/encoder.ts"
import type { Grant } from "../rooms/grant.ts"
import { type PeerId, toRoomKey } from "../rooms/ids.ts"
import type { Holder } from "../rooms/membership.ts"
import type { StatusText } from "../rooms/room-store.ts"
import type { DialectParts } from "./contract.ts"
import type { Conversation } from "./conversation.ts"
import { type RefusalParts, refuse } from "./refusal.ts"

/** 1,000 UTF-16 units: no name of these clients comes near it, and what a connection keeps of names is bounded by it. */
export const ROOM_NAME_CHARACTERS = 1_000

/** The status of who says nothing of itself. */
export const NO_STATUS: StatusText = "{}"

/** The words of rooms whose members are not told who comes and goes. */
export const SILENT_ENCODER: RoomEncoder = {
  joined: () => undefined,
  left: () => undefined,
  status: () => undefined,
}

/** A wish to enter. */
export interface EntryWish {
  readonly conversation: Conversation
  readonly dialect: string
  /** The room as clients call it. */
  readonly name: string
  readonly encoder: RoomEncoder
  readonly holder: Holder
  readonly status: StatusText
  /** Most members of the room. */
  readonly limit: number
  /** The message that asked for it, for plug-ins. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** What became of it: a member (or the client is gone), or an error, which is counted and told to observers. */
export type EntryOutcome =
  | "entered"
  | "gone"
  | "full"
  | "identity_in_room"
  | "unauthorized"
  | "rate_limited"
  | "unavailable"
  | "internal"

/** Enters a room. Rejects only by a bug. */
export async function enterRoom(parts: RefusalParts, wish: EntryWish): Promise<EntryOutcome> {
  const outcome = await enter(parts.rooms, parts.hooks, wish)
  if (outcome !== "entered" && outcome !== "gone") refuse(parts, wish.conversation, outcome)
  return outcome
}

async function enter(
  { commands, tracer }: DialectParts["rooms"],
  hooks: DialectParts["hooks"],
  { conversation, dialect, name, encoder, holder, status, limit, fields }: EntryWish,
): Promise<EntryOutcome> {
  const room = toRoomKey(name, dialect)
  let grant: Grant | undefined
  if (hooks.join !== undefined) {
    const verdict = await hooks.join(conversation, { dialect, room, roomId: name, status: {}, fields })
    if (verdict !== undefined && "grant" in verdict) grant = verdict.grant
    else if (verdict !== undefined) {
      const outcome = "error" in verdict ? verdict.error : "unauthorized"
      tracer?.happened(room, conversation.peer, "refused", outcome)
      return outcome
    }
    if (!holder.isOpen) return "gone"
  }
  const peer = conversation.connection.id as PeerId
  const outcome = await commands.join({
    ...{ room, encoder, peer, holder, status, limit, grant },
    ifTaken: "leave",
    ref: undefined,
  })
  if (outcome === "taken" || outcome === "unproven" || outcome === "locked") return "full"
  if (outcome !== "joined") return outcome
  return holder.isOpen ? "entered" : "gone"
}
