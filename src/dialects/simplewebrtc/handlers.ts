// What each event of a client means but for `message`: a table from name to handler. Names of rooms may be any string
// that is not too long; what has no string for a name is not answered, as in the original.

import { randomUUID } from "node:crypto"
import { type Grant, may } from "../../rooms/grant.ts"
import { toRoomKey } from "../../rooms/ids.ts"
import type { Membership } from "../../rooms/membership.ts"
import { ROOM_NAME_CHARACTERS } from "../entry.ts"
import { makeHolder } from "../holder.ts"
import type { SimpleWebRtcClient, SimpleWebRtcParts } from "./client.ts"
import type { ClientEvent } from "./client-events.ts"
import { SIMPLEWEBRTC_ENCODER } from "./encoder.ts"
import * as packets from "./packets.ts"
import { resourcesOf } from "./resources.ts"

/** Handles one event; a promise keeps the client's next packets waiting. */
type Handler = (
  parts: SimpleWebRtcParts,
  client: SimpleWebRtcClient,
  event: ClientEvent,
) => void | undefined | Promise<void>

const DIALECT = "simplewebrtc"

/** Only the first: a room that is created has nobody in it. */
const CREATED_SIZE = 1

const HANDLERS: Readonly<Record<string, Handler>> = {
  async join(parts, client, { values: [name], ack }) {
    if (typeof name !== "string") return
    if (name.length > ROOM_NAME_CHARACTERS) return client.refuse("room_name_too_long", ack)
    // Whoever joins its own room again leaves it first.
    if (client.membership?.room.key === toRoomKey(name, DIALECT)) await leaveRoom(client)
    const outcome = await enter(parts, client, name, parts.limits.roomSize, ({ peer, room }) => {
      if (ack !== undefined) client.connection.send(packets.joined(ack, peer, room.members.values()))
    })
    if (outcome !== "joined") client.refuse(outcome === "taken" ? "unavailable" : outcome, ack)
  },

  async create(parts, client, { values: [given], ack }) {
    // Without an acknowledgement the original takes a lone name for it.
    const name = ack === undefined || given === undefined || given === null || given === "" ? randomUUID() : given
    if (typeof name !== "string") return
    if (name.length > ROOM_NAME_CHARACTERS) return client.refuse("room_name_too_long", ack)
    if (client.membership?.room.key === toRoomKey(name, DIALECT)) return client.refuse("taken", ack)
    const outcome = await enter(parts, client, name, CREATED_SIZE, () => {
      if (ack !== undefined) client.connection.send(packets.acknowledged(ack, null, name))
    })
    if (outcome !== "joined") client.refuse(outcome === "full" ? "taken" : outcome, ack)
  },

  leave: (_parts, client) => leaveRoom(client),

  shareScreen: (parts, client) => share(parts, client, true),

  unshareScreen: (parts, client) => share(parts, client, false),
}

/** The handler for an event; undefined for every other name, `constructor` and the like included. */
export function findHandler(event: string): Handler | undefined {
  return Object.hasOwn(HANDLERS, event) ? HANDLERS[event] : undefined
}

/** All are told, the leaver too. */
function leaveRoom(client: SimpleWebRtcClient): Promise<void> | undefined {
  const left = client.leave()
  if (left !== undefined) client.connection.send(packets.removed(client.peer))
  return left
}

/**
 * Joins a room and then leaves the former one, which is lost by no refusal.
 * @param answer called when it is in, before anything of the room reaches the client
 * @returns what became of it; a plug-in's refusal by its id
 */
async function enter(
  { commands, hooks }: SimpleWebRtcParts,
  client: SimpleWebRtcClient,
  name: string,
  limit: number,
  answer: (membership: Membership) => void,
): Promise<string> {
  const room = toRoomKey(name, DIALECT)
  const status = resourcesOf(client.isSharing)
  let grant: Grant | undefined
  if (hooks.join !== undefined) {
    const asked = { dialect: DIALECT, room, roomId: name, status: JSON.parse(status), fields: {} }
    const verdict = await hooks.join(client, asked)
    if (verdict !== undefined && "grant" in verdict) grant = verdict.grant
    else if (verdict !== undefined) return "error" in verdict ? verdict.error : verdict.id
    if (client.connection.isClosed) return "joined"
  }
  const former = client.membership
  const holder = makeHolder(client.connection, {
    onJoined(membership) {
      client.membership = membership
      if (former !== undefined) client.connection.send(packets.removed(client.peer))
      answer(membership)
    },
    // Ids are the server's: nobody else comes under one of them.
    onTakenOver: () => {},
    onReplaced(membership) {
      if (client.membership !== membership) return
      client.membership = undefined
      client.connection.send(packets.removed(client.peer))
    },
    onRelayFailed: () => client.refuse("peer_unreachable"),
  })
  const outcome = await commands.join({
    room,
    encoder: SIMPLEWEBRTC_ENCODER,
    peer: client.peer,
    holder,
    status,
    limit,
    ifTaken: "refuse",
    grant,
    ref: undefined,
  })
  if (outcome === "joined" && former !== undefined) await commands.leave(former)
  return outcome
}

async function share({ commands }: SimpleWebRtcParts, client: SimpleWebRtcClient, isSharing: boolean): Promise<void> {
  const { membership } = client
  if (!may(membership?.grant, "status")) return client.refuse("unauthorized")
  client.isSharing = isSharing
  if (membership === undefined) return
  const outcome = await commands.updateStatus(membership, resourcesOf(isSharing), undefined)
  if (outcome === "unavailable") client.refuse("unavailable")
}
