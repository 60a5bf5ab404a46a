// How a client gets its PeerJS id: plug-ins are asked, then the room of that id is joined, which has place for one. If it
// is taken, its member's status tells whether by the same token; then the membership is taken over, at whichever node it
// is, even a dead one. The status holds no token, but its hash.

import { createHash, timingSafeEqual } from "node:crypto"
import type { Grant } from "../../rooms/grant.ts"
import type { PeerId, RoomKey } from "../../rooms/ids.ts"
import type { Holder, Membership } from "../../rooms/membership.ts"
import { type Member, StoreUnavailable } from "../../rooms/room-store.ts"
import type { JoinOutcome } from "../../rooms/wishes.ts"
import type { Conversation } from "../conversation.ts"
import { SILENT_ENCODER } from "../entry.ts"
import { makeHolder } from "../holder.ts"
import { ERRORS } from "./frame.ts"
import { OWNER_ENCODER } from "./owner.ts"
import type { PeerJsParts } from "./parts.ts"

/** 5 tries: its owner may go, and others come, between the look at the room and the join; nobody is so unlucky again. */
const TRIES = 5

/** A million peers in the list of all: it has no limit of its own. */
const LISTED = 1_000_000

/** Who claims. */
export interface Claimant extends Conversation, Holder {
  /** The PeerJS id. */
  readonly id: string
  listed: Membership | undefined
}

/** What became of it. */
export type Claim =
  | { readonly kind: "joined" }
  | { readonly kind: "taken" }
  | {
      readonly kind: "refused"
      readonly error: "unauthorized" | "rate_limited" | "unavailable" | "internal"
      readonly message: string
    }

/** Claims the id. Rejects only by a bug. */
export async function claimId(
  parts: PeerJsParts,
  client: Claimant,
  { token, fields }: { readonly token: string; readonly fields: Readonly<Record<string, string>> },
): Promise<Claim> {
  const room = parts.toRoom(client.id)
  const verdict = await parts.hooks.join?.(client, { dialect: "peerjs", room, roomId: client.id, status: {}, fields })
  const grant = verdict !== undefined && "grant" in verdict ? verdict.grant : undefined
  if (verdict !== undefined && !("grant" in verdict)) {
    if ("error" in verdict) return { kind: "refused", error: verdict.error, message: ERRORS[verdict.error] }
    return { kind: "refused", error: "unauthorized", message: verdict.message }
  }
  // First, so that the list has everybody who was told to have an id.
  const outcome =
    (await enterList(parts, client)) ?? (await inTurn(parts, room, () => join(parts, client, room, token, grant)))
  if (outcome === "joined") return { kind: "joined" }
  if (client.listed !== undefined) void parts.rooms.commands.leave(client.listed)
  client.listed = undefined
  if (outcome === "taken") return { kind: "taken" }
  return { kind: "refused", error: outcome, message: ERRORS[outcome] }
}

/** The ids of all peers, oldest first. */
export async function listPeers({ rooms, listRoom }: PeerJsParts): Promise<readonly string[]> {
  if (listRoom === undefined) return []
  const members = await rooms.announcer.membersOf(listRoom)
  return [...new Set(members.map(({ status }) => JSON.parse(status).id as string))]
}

/** One claim of an id after the other: a room has one member of a name on its way in at a time. */
async function inTurn<T>({ claims }: PeerJsParts, room: RoomKey, claim: () => Promise<T>): Promise<T> {
  const turn = (claims.get(room) ?? Promise.resolve()).then(claim)
  const isOver = turn.then(
    () => {},
    () => {},
  )
  claims.set(room, isOver)
  try {
    return await turn
  } finally {
    if (claims.get(room) === isOver) claims.delete(room)
  }
}

async function join(
  { rooms }: PeerJsParts,
  client: Claimant,
  room: RoomKey,
  token: string,
  grant: Grant | undefined,
): Promise<"joined" | "taken" | "rate_limited" | "unavailable"> {
  const { commands, announcer } = rooms
  const secret = createHash("sha256").update(token).digest("hex")
  let peer = client.peer
  for (let tried = 0; tried < TRIES && client.isOpen; tried++) {
    const outcome = await commands.join({
      ...{ room, peer, encoder: OWNER_ENCODER, holder: client, limit: 1, ifTaken: "takeOver", ref: undefined },
      status: JSON.stringify({ token: secret }),
      grant,
    })
    if (outcome === "joined" || outcome === "unavailable" || outcome === "rate_limited") return outcome
    let owner: Member | undefined
    try {
      owner = (await announcer.membersOf(room))[0]
    } catch (cause) {
      if (!(cause instanceof StoreUnavailable)) throw cause
      return "unavailable"
    }
    if (owner !== undefined && !hasToken(owner, secret)) return "taken"
    peer = owner?.peer ?? (client.connection.id as PeerId)
  }
  return "taken"
}

function hasToken({ status }: Member, secret: string): boolean {
  const { token } = JSON.parse(status) as { token?: unknown }
  if (typeof token !== "string" || token.length !== secret.length) return false
  return timingSafeEqual(Buffer.from(token), Buffer.from(secret))
}

/** Undefined: it is in the list, or there is none. */
async function enterList({ rooms, listRoom }: PeerJsParts, client: Claimant): Promise<"unavailable" | undefined> {
  if (listRoom === undefined) return undefined
  const holder = makeHolder(client.connection, {
    onJoined: (membership) => {
      client.listed = membership
    },
    onTakenOver: () => {},
    onReplaced: () => {},
    onRelayFailed: () => {},
  })
  const outcome: JoinOutcome = await rooms.commands.join({
    room: listRoom,
    encoder: SILENT_ENCODER,
    peer: client.connection.id as PeerId,
    holder: { ...holder, subscribe: () => {}, unsubscribe: () => {} },
    status: JSON.stringify({ id: client.id }),
    limit: LISTED,
    ifTaken: "leave",
    ref: undefined,
  })
  return outcome === "joined" ? undefined : "unavailable"
}
