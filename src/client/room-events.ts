// What happens in the room, as the page is told of it. Which of it is heard at all, signaling-client.ts decides.
import type { Emitter } from "./emitter.ts"
import type { SignalingEvents } from "./events.ts"
import { readMessage } from "./messages.ts"
import { SignalingError } from "./requests.ts"
import { compare } from "./room.ts"
import type { ServerEvent, Status } from "./wire.ts"

/** Takes in what the server says of the room, and of its `peers`. */
export function onRoomEvent(page: Emitter<SignalingEvents>, peers: Map<string, Status>, message: ServerEvent): void {
  switch (message.event) {
    case "new_peer":
      peers.set(message.peer_id, message.status)
      page.emit("new_peer", { peerId: message.peer_id, status: message.status })
      return
    case "peer_left":
      if (peers.delete(message.sender_id)) page.emit("peer_left", { peerId: message.sender_id, whileAway: false })
      return
    case "room_locked":
    case "room_unlocked":
      page.emit("locked", { peerId: message.peer_id, isLocked: message.event === "room_locked" })
      return
    case "peer_updated_status": {
      const { sender_id: peerId, status } = message
      if (peers.has(peerId)) peers.set(peerId, status)
      page.emit("peer_updated_status", { peerId, status })
      return
    }
    case "offer":
    case "answer":
    case "ice_candidate":
    case "message": {
      const said = readMessage(message)
      if (said !== undefined) page.emit("relayed", { peerId: message.sender_id, message: said })
      else page.emit("error", new SignalingError("invalid_message", `a peer sent an incomplete ${message.event}`))
    }
  }
}

/** Tells who left, who came and whose status is another in `now`, against `before`. */
export function tellChanges(
  page: Emitter<SignalingEvents>,
  before: ReadonlyMap<string, Status>,
  now: ReadonlyMap<string, Status>,
): void {
  const { left, came, changed } = compare(before, now)
  for (const peerId of left) page.emit("peer_left", { peerId, whileAway: true })
  for (const [peerId, status] of came) page.emit("new_peer", { peerId, status })
  for (const [peerId, status] of changed) page.emit("peer_updated_status", { peerId, status })
}
