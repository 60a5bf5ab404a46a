// What a browser may hear (protocol.md, "Server to client"): one maker per event, each returning the frame's text.
// The only place that writes the wire's snake_case. A status arrives here as JSON text and is passed on unread.

import type { PeerId } from "../../rooms/ids.ts"
import type { Ref, StatusText } from "../../rooms/room-store.ts"
import { ERRORS, type ErrorId } from "./errors.ts"
import type { ResumeTicket } from "./resumption.ts"

/** One member as others are told of it. */
interface Peer {
  readonly peer: PeerId
  readonly status: StatusText
}

/** What the protocol itself says in `joined_room`, which no plug-in may say otherwise. */
const RESERVED_FIELDS: ReadonlySet<string> = new Set(["event", "own_id", "peers", "ref", "resume", "sender_id"])

/**
 * `joined_room`: `peers` without the newcomer; `extra` are further fields from plug-ins (`ice_servers`, ...); `ticket` for
 * who can resume.
 */
export function joinedRoom(
  ownId: PeerId,
  peers: Iterable<Peer>,
  extra: Readonly<Record<string, unknown>> | undefined,
  ticket: ResumeTicket | undefined,
  ref: Ref,
): string {
  const allowed = Object.entries(extra ?? {}).filter(([name]) => !RESERVED_FIELDS.has(name))
  const more = allowed.length === 0 ? "" : JSON.stringify(Object.fromEntries(allowed)).slice(1, -1)
  return `{"event":"joined_room","own_id":"${ownId}","peers":${peerList(ownId, peers)}${more === "" ? "" : `,${more}`}${withTicket(ticket)}${withRef(ref)}}`
}

/** `resumed`, where the frames that the client lacks follow. */
export function resumed(ownId: PeerId, received: number, ticket: ResumeTicket, ref: Ref): string {
  return `{"event":"resumed","own_id":"${ownId}","received":${received},"complete":true${withTicket(ticket)}${withRef(ref)}}`
}

/** `resumed`, where frames may be lost: the room as it stands, and counting begins anew. */
export function resumedAnew(
  ownId: PeerId,
  status: StatusText,
  peers: Iterable<Peer>,
  ticket: ResumeTicket,
  ref: Ref,
): string {
  const room = `"status":${status},"peers":${peerList(ownId, peers)}`
  return `{"event":"resumed","own_id":"${ownId}","received":0,"complete":false,${room}${withTicket(ticket)}${withRef(ref)}}`
}

/** `new_peer`: somebody joined. */
export function newPeer(peer: PeerId, status: StatusText): string {
  return `{"event":"new_peer","peer_id":"${peer}","status":${status}}`
}

/** `peer_left`: somebody left, however it happened. */
export function peerLeft(peer: PeerId): string {
  return `{"event":"peer_left","sender_id":"${peer}"}`
}

/** `peer_updated_status`: the whole merged status, the sender included in those who hear it. */
export function peerUpdatedStatus(peer: PeerId, status: StatusText): string {
  return `{"event":"peer_updated_status","sender_id":"${peer}","status":${status}}`
}

/** `room_locked` and `room_unlocked`: nobody new comes in, or they do again; `peer` saw to it. */
export function roomLocked(peer: PeerId, isLocked: boolean): string {
  return `{"event":"room_${isLocked ? "" : "un"}locked","peer_id":"${peer}"}`
}

/** A relayed message: `data` as it was sent, with `sender_id` set by us and last, whatever the sender put there. */
export function relayed(sender: PeerId, data: Record<string, unknown>): string {
  delete data["sender_id"]
  const text = JSON.stringify(data)
  return `${text.slice(0, -1)}${text.length > 2 ? "," : ""}"sender_id":"${sender}"}`
}

/** `error`: both `message` (palava-machine) and `description` (signaltower, palava-client) carry the text. */
export function error(id: ErrorId, ref: Ref, message: string = ERRORS[id]): string {
  return `{"event":"error","id":"${id}","message":"${message}","description":"${message}"${withRef(ref)}}`
}

/** `shutdown`: the server closes this connection in `seconds`. */
export function shutdown(seconds: number): string {
  return `{"event":"shutdown","seconds":${seconds}}`
}

/** `pong`, the answer to `ping`; `received` are the frames of a client that can resume. */
export function pong(ref: Ref, received?: number): string {
  const count = received === undefined ? "" : `,"received":${received}`
  return `{"event":"pong"${count}${withRef(ref)}}`
}

/** Any other event with its fields, for plug-ins; `ref` last. */
export function serverEvent(event: string, fields: Readonly<Record<string, unknown>>, ref: Ref): string {
  return JSON.stringify(Object.assign({ event }, fields, { event }, ref === undefined ? {} : { ref }))
}

function peerList(ownId: PeerId, peers: Iterable<Peer>): string {
  let list = ""
  for (const { peer, status } of peers) {
    if (peer === ownId) continue
    list += `${list === "" ? "" : ","}{"peer_id":"${peer}","status":${status}}`
  }
  return `[${list}]`
}

function withTicket(ticket: ResumeTicket | undefined): string {
  return ticket === undefined ? "" : `,"resume":${JSON.stringify(ticket)}`
}

function withRef(ref: Ref): string {
  return ref === undefined ? "" : `,"ref":${JSON.stringify(ref)}`
}
