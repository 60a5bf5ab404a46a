// What is sent to SimpleWebRTC clients: Engine.IO 3 packets, and the Socket.IO 1 packets in them. Each maker returns the
// packet's text. Resources arrive as JSON text (a member's status) and are passed on unread.

import type { PeerId } from "../../rooms/ids.ts"
import type { StatusText } from "../../rooms/room-store.ts"
import type { IceServers } from "../ice.ts"

/** Engine.IO: the session is over. */
export const ENGINE_CLOSE = "1"

/** Engine.IO: says nothing; ends a waiting GET. */
export const ENGINE_NOOP = "6"

/** Engine.IO: a client tries a WebSocket, the answer, and its wish to go on over it. */
export const PROBE = "2probe"
export const PROBE_ANSWER = "3probe"
export const UPGRADE = "5"

/** Socket.IO: the client is connected. */
export const CONNECTED = "40"

/** When a client sends a ping, and how long it waits for the answer. */
export interface PingTimes {
  readonly pingInterval: number
  readonly pingTimeout: number
}

/** Both in milliseconds; a client that polls is heard at least twice before it counts as dead. */
export function pingTimes({ pingSeconds, deadSeconds }: { pingSeconds: number; deadSeconds: number }): PingTimes {
  return { pingInterval: Math.min(pingSeconds, deadSeconds / 2) * 1000, pingTimeout: deadSeconds * 1000 }
}

/** The first packet of a session. */
export function opened(sid: string, upgrades: readonly string[], times: PingTimes): string {
  return `0${JSON.stringify({ sid, upgrades, ...times })}`
}

/** The two events that begin a conversation; the client needs both, in this order. */
export function iceServers({ stun, turn }: IceServers): [string, string] {
  return [event("stunservers", stun), event("turnservers", turn)]
}

/** An event with one argument. */
export function event(name: string, argument: unknown): string {
  return `42${JSON.stringify([name, argument])}`
}

/** A peer is gone from the room. */
export function removed(peer: PeerId): string {
  return `42["remove",{"id":"${peer}"}]`
}

/** A peer shares its screen no more. */
export function removedScreen(peer: PeerId): string {
  return `42["remove",{"id":"${peer}","type":"screen"}]`
}

/** Answers the request with this number; `values` is what the client's callback gets. */
export function acknowledged(ack: string, ...values: readonly unknown[]): string {
  return `43${ack}${JSON.stringify(values)}`
}

/** Answers a join: who else is there, and what they send. */
export function joined(
  ack: string,
  ownId: PeerId,
  members: Iterable<{ readonly peer: PeerId; readonly status: StatusText }>,
): string {
  let clients = ""
  for (const { peer, status } of members) {
    if (peer !== ownId) clients += `${clients === "" ? "" : ","}"${peer}":${status}`
  }
  return `43${ack}[null,{"clients":{${clients}}}]`
}
