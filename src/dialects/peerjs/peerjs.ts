// The PeerJS dialect: what npm's peerjs 1.5 says to peerjs-server.

import { type RoomKey, toRoomKey } from "../../rooms/ids.ts"
import type { Dialect, DialectParts } from "../contract.ts"
import { DialectCounters } from "../counters.ts"
import { listPeers } from "./claim.ts"
import { PeerJsConversation } from "./conversation.ts"
import { expire } from "./frame.ts"
import { answerHttp } from "./http.ts"
import { type PeerJsParts, Peers } from "./parts.ts"
import { Routes } from "./routes.ts"

/**
 * Makes the dialect.
 * @param key what clients must bring, and a part of the path of their HTTP requests
 * @param isListed whether everybody may ask for the ids of all peers
 */
export function makePeerJs(parts: DialectParts, key: string, isListed: boolean): Dialect {
  const { announcer, crossRelays, node } = parts.rooms
  const counters = new DialectCounters()
  const peers = new Peers()
  // The key cannot hold a line break, so no id and no key are mistaken for others.
  const toRoom = (id: string): RoomKey => toRoomKey(`${key}\n${id}`, "peerjs")
  const routes = new Routes({
    ...{ clock: parts.clock, node, announcer, crossRelays, toRoom },
    senderOf: (id) => peers.get(id),
    deliver(id, { sender, text }) {
      const membership = peers.get(id)?.membership
      if (membership !== undefined) crossRelays.deliver(sender.peer, membership, text)
    },
    deliverTo(room, text) {
      const membership = peers.in(room)?.membership
      membership?.room.sendTo(membership, text)
      return membership !== undefined
    },
    expire(id, { id: to }) {
      peers.get(to)?.connection.send(expire(id, to))
    },
  })
  const listRoom = isListed ? toRoomKey(key, "peerjs list") : undefined
  const shared: PeerJsParts = { ...parts, counters, peers, routes, claims: new Map(), key, listRoom, toRoom }
  const http = { key, hooks: parts.hooks, listPeers: isListed ? () => listPeers(shared) : undefined }
  return {
    name: "peerjs",
    counters,
    maxFrameBytes: parts.limits.maxFrameBytes,
    recognises: ({ pathname }) => pathname.endsWith("/peerjs"),
    waiting: () => routes.waiting,
    keptBytes: () => routes.waitingBytes,
    open: (connection, handshake) => new PeerJsConversation(connection, handshake, shared),
    answer: (request, url, visit) => answerHttp(http, request, url, visit),
  }
}
