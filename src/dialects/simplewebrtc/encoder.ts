// How the events of a room read to SimpleWebRTC clients. Nothing announces a newcomer: it calls the others itself.

import type { RoomEncoder } from "../../rooms/encoder.ts"
import * as packets from "./packets.ts"
import { isSharing } from "./resources.ts"

/** See the head of this file. */
export const SIMPLEWEBRTC_ENCODER: RoomEncoder = {
  joined: () => undefined,
  left: packets.removed,
  status: (peer, status) => (isSharing(status) ? undefined : packets.removedScreen(peer)),
  event: packets.event,
}
