// What each client event means: a table from event to handler. The mapped type makes a forgotten event a compile
// error. Checks come in the order of the error table (protocol.md, "Errors").

import {
  CLIENT_EVENTS,
  type ClientEvent,
  type ClientEventName,
  refuseRelayData,
} from "../dialects/palava/client-events.ts"
import * as serverEvents from "../dialects/palava/server-events.ts"
import { EMPTY_STATUS, mergeStatus, refuseStatus } from "../dialects/palava/status.ts"
import { toRoomKey } from "../rooms/ids.ts"
import type { Ref } from "../rooms/room-store.ts"
import type { Hub } from "./hub.ts"
import type { Session } from "./session.ts"

/** Handles one event of one session; a promise keeps the session's next messages waiting. `sent` is the whole frame. */
type Handler<Fields> = (
  hub: Hub,
  session: Session,
  fields: Fields,
  ref: Ref,
  sent: Readonly<Record<string, unknown>>,
) => void | Promise<void>

const HANDLERS: { readonly [Name in ClientEventName]: Handler<ClientEvent<Name>> } = {
  async join_room(hub, session, { room_id, status = {} }, ref, sent) {
    if (session.room !== undefined) return session.refuse("already_joined", ref)
    const room = toRoomKey(room_id)
    const problem = refuseStatus(status)
    if (problem !== undefined) return session.refuse((await hub.isFull(room)) ? "room_full" : problem, ref)
    const text = mergeStatus(EMPTY_STATUS, status as Record<string, unknown>)
    if (text === undefined) return session.refuse("invalid_status", ref)
    if (hub.hooks.join !== undefined) {
      const wish = { room, roomId: room_id, status: status as Record<string, unknown>, fields: sent }
      const refusal = await hub.hooks.join(session, wish)
      if (refusal !== undefined) return session.refuseAs(refusal, ref)
      if (session.isClosed) return
    }
    return hub.join(session, room, text, ref)
  },

  leave_room(hub, session) {
    return hub.leave(session)
  },

  send_to_peer(hub, session, { peer_id, data }, ref) {
    if (session.room === undefined) return session.refuse("not_in_room", ref)
    if (!hub.isMember(session.room, peer_id)) return session.refuse("unknown_peer", ref)
    const problem = refuseRelayData(data)
    if (problem !== undefined) return session.refuse(problem, ref)
    hub.relay(session, peer_id, serverEvents.relayed(session.peer, data as Record<string, unknown>), ref)
  },

  async update_status(hub, session, { status }, ref) {
    if (session.room === undefined) return session.refuse("not_in_room", ref)
    const problem = refuseStatus(status)
    if (problem !== undefined) return session.refuse(problem, ref)
    const text = mergeStatus(session.status, status as Record<string, unknown>)
    if (text === undefined) return session.refuse("invalid_status", ref)
    return hub.updateStatus(session, session.room, text, ref)
  },

  ping(_hub, session, _fields, ref) {
    session.send(serverEvents.pong(ref))
  },
}

/** The handler for an event of the core; undefined for every other name, `constructor` and the like included. */
export function findHandler(
  event: string,
): { name: ClientEventName; handle: Handler<ClientEvent<ClientEventName>> } | undefined {
  if (!Object.hasOwn(CLIENT_EVENTS, event)) return undefined
  const name = event as ClientEventName
  return { name, handle: HANDLERS[name] as Handler<ClientEvent<ClientEventName>> }
}
