// What each client event means: a table from event to handler. The mapped type makes a forgotten event a compile
// error. Checks come in the order of the error table (protocol.md, "Errors").

import { type Grant, may } from "../../rooms/grant.ts"
import { toRoomKey } from "../../rooms/ids.ts"
import type { Ref, StatusText } from "../../rooms/room-store.ts"
import type { PalavaClient, PalavaParts } from "./client.ts"
import {
  CLIENT_EVENTS,
  type ClientEvent,
  type ClientEventName,
  readReceived,
  refuseRelayData,
} from "./client-events.ts"
import { PALAVA_ENCODER } from "./encoder.ts"
import { NOT_SENT } from "./errors.ts"
import { resume } from "./resume.ts"
import * as serverEvents from "./server-events.ts"
import { EMPTY_STATUS, mergeStatus, refuseStatus } from "./status.ts"

/** Handles one event; a promise keeps the client's next messages waiting. `sent` is the whole frame. */
type Handler<Fields> = (
  parts: PalavaParts,
  client: PalavaClient,
  fields: Fields,
  ref: Ref,
  sent: Readonly<Record<string, unknown>>,
) => void | Promise<void>

const DIALECT = "palava"

const HANDLERS: { readonly [Name in ClientEventName]: Handler<ClientEvent<Name>> } = {
  async join_room({ commands, hooks, limits, resumptions, rooms }, client, fields, ref, sent) {
    const { room_id } = fields
    if (client.membership !== undefined) return client.refuse("already_joined", ref)
    const given = fields.status ?? {}
    const problem = refuseStatus(given)
    if (problem !== undefined) return client.refuse(problem, ref)
    const text = mergeStatus(EMPTY_STATUS, given as Record<string, unknown>)
    if (text === undefined) return client.refuse("invalid_status", ref)
    const room = toRoomKey(room_id)
    let [status, grant]: [StatusText, Grant | undefined] = [text, undefined]
    if (hooks.join !== undefined) {
      const asked = { dialect: DIALECT, room, roomId: room_id, status: given as Record<string, unknown>, fields: sent }
      const verdict = await hooks.join(client, asked)
      if (verdict !== undefined && "grant" in verdict) grant = verdict.grant
      else if (verdict !== undefined) {
        rooms.tracer?.happened(room, client.peer, "refused", "error" in verdict ? verdict.error : verdict.id)
        return "error" in verdict ? client.refuse(verdict.error, ref) : client.refuseAs(verdict, ref)
      }
      if (!client.isOpen) return
      const fixed = withFixed(text, grant)
      if (fixed === undefined) return client.refuse("invalid_status", ref)
      status = fixed
    }
    const prepared = fields.resume === true ? resumptions.prepare({ room, peer: client.peer, grant }) : undefined
    client.prepared = prepared
    const outcome = await commands.join({
      room,
      encoder: PALAVA_ENCODER,
      peer: client.peer,
      holder: client,
      status,
      limit: limits.roomSize,
      ifTaken: "leave",
      grant,
      proof: prepared && { next: prepared.resumption.proof },
      ref,
    })
    client.prepared = undefined
    if (outcome === "full" || outcome === "locked") client.refuse(`room_${outcome}`, ref)
    else if (outcome === "rate_limited" || outcome === "identity_in_room") client.refuse(outcome, ref)
    else if (outcome !== "joined") client.refuse("unavailable", ref)
  },

  resume(parts, client, { token, received }, ref) {
    if (client.membership !== undefined) return client.refuse("already_joined", ref)
    return resume(parts, client, token, received, ref)
  },

  leave_room(_parts, client) {
    return client.leave()
  },

  lock_room: (parts, client, _fields, ref) => setLock(parts, client, true, ref),

  unlock_room: (parts, client, _fields, ref) => setLock(parts, client, false, ref),

  send_to_peer({ commands }, client, { peer_id, data }, ref) {
    const { membership } = client
    if (membership === undefined) return client.refuse("not_in_room", ref)
    if (!membership.room.isMember(peer_id)) return client.refuse("unknown_peer", ref)
    const problem = refuseRelayData(data)
    if (problem !== undefined) return client.refuse(problem, ref)
    if (!membership.maySend) return client.refuse("unauthorized", ref)
    const text = serverEvents.relayed(membership.peer, data as Record<string, unknown>)
    if (!commands.relay(membership, peer_id, text, ref)) client.refuse("unknown_peer", ref)
  },

  async update_status({ commands }, client, { status }, ref) {
    const { membership } = client
    if (membership === undefined) return client.refuse("not_in_room", ref)
    const problem = refuseStatus(status)
    if (problem !== undefined) return client.refuse(problem, ref)
    if (!may(membership.grant, "status")) return client.refuse("unauthorized", ref)
    const merged = mergeStatus(commands.statusOf(membership), status as Record<string, unknown>)
    const text = merged && withFixed(merged, membership.grant)
    if (text === undefined) return client.refuse("invalid_status", ref)
    if ((await commands.updateStatus(membership, text, ref)) === "unavailable") client.refuse("unavailable", ref)
  },

  ping(_parts, client, { received }, ref) {
    const { resumption } = client
    if (resumption !== undefined && received !== undefined) {
      const count = readReceived(received)
      if (count === undefined || !resumption.log.hasSent(count)) return client.refuse("invalid_message", ref, NOT_SENT)
      resumption.log.acknowledge(count)
    }
    client.send(serverEvents.pong(ref, resumption?.received))
  },
}

async function setLock(
  { commands, limits }: PalavaParts,
  client: PalavaClient,
  isLocked: boolean,
  ref: Ref,
): Promise<void> {
  const { membership } = client
  if (membership === undefined) return client.refuse("not_in_room", ref)
  const { grant, peer } = membership
  const mayLock = grant === undefined ? limits.roomLocks === "members" : may(grant, "lock")
  if (!mayLock) return client.refuse("unauthorized", ref)
  const outcome = await commands.publish(membership, serverEvents.roomLocked(peer, isLocked), "all", isLocked)
  if (outcome === "unavailable") client.refuse("unavailable", ref)
}

/** A status with what its peer cannot choose; undefined when it would be too large. */
function withFixed(status: StatusText, grant: Grant | undefined): StatusText | undefined {
  return grant?.status === undefined ? status : mergeStatus(status, grant.status)
}

/** The handler for an event of the dialect; undefined for every other name, `constructor` and the like included. */
export function findHandler(
  event: string,
): { name: ClientEventName; handle: Handler<ClientEvent<ClientEventName>> } | undefined {
  if (!Object.hasOwn(CLIENT_EVENTS, event)) return undefined
  const name = event as ClientEventName
  return { name, handle: HANDLERS[name] as Handler<ClientEvent<ClientEventName>> }
}
