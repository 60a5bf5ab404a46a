// What a webrtc.io client may hear: one maker per event, each returning the frame's text. Keys are in the order in which
// the original writes them; a field the sender did not give is left out, as there.

import type { RoomEncoder } from "../../rooms/encoder.ts"
import type { PeerId } from "../../rooms/ids.ts"
import type { JsonObject } from "../json.ts"

/** The words of a room: who comes and who goes. */
export const WEBRTC_IO_ENCODER: RoomEncoder = {
  joined: ({ peer }) => event("new_peer_connected", { socketId: peer }),
  left: (peer) => event("remove_peer_connected", { socketId: peer }),
  status: () => undefined,
}

/** The answer to `join_room`: the others, oldest first, and the own id. */
export function getPeers(own: PeerId, members: Iterable<PeerId>): string {
  return event("get_peers", { connections: [...members].filter((peer) => peer !== own), you: own })
}

/** What goes from one client to another: the event the other hears, and how its data is made of what was sent. */
export const RELAYS: Readonly<Record<string, (sent: JsonObject, from: PeerId) => string>> = {
  send_offer: ({ sdp }, socketId) => event("receive_offer", { sdp, socketId }),
  send_answer: ({ sdp }, socketId) => event("receive_answer", { sdp, socketId }),
  send_ice_candidate: ({ label, candidate }, socketId) =>
    event("receive_ice_candidate", { label, candidate, socketId }),
}

/** A chat message, of the demo's server. */
export function receiveChatMsg({ messages, color }: JsonObject): string {
  return event("receive_chat_msg", { messages, color })
}

/** @throws RangeError for data that is nested too deeply to be written */
function event(eventName: string, data: object): string {
  return JSON.stringify({ eventName, data })
}
