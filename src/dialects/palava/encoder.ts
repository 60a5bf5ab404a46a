// How the events of a room read in palava.

import type { RoomEncoder } from "../../rooms/encoder.ts"
import * as serverEvents from "./server-events.ts"

/** Its room events, and those of plug-ins. */
export const PALAVA_ENCODER: RoomEncoder = {
  joined: ({ peer, status }) => serverEvents.newPeer(peer, status),
  left: serverEvents.peerLeft,
  status: serverEvents.peerUpdatedStatus,
  event: (event, fields) => serverEvents.serverEvent(event, fields, undefined),
}
