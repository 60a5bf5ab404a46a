// What a client is told when it is back as itself: that it is, and what it has missed, or who is there now.

import type { Connection } from "../../connections/connection.ts"
import type { Membership } from "../../rooms/membership.ts"
import type { Ref } from "../../rooms/room-store.ts"
import type { PreparedResumption } from "./resumption.ts"
import type { Resumptions } from "./resumptions.ts"
import * as serverEvents from "./server-events.ts"

/** Without `frames`, nothing that was sent and received before counts any more. */
export function sayResumed(
  { counters }: Resumptions,
  connection: Connection,
  membership: Membership,
  { resumption, ticket }: PreparedResumption,
  frames: readonly string[] | undefined,
  ref: Ref,
): void {
  const { peer, room, status } = membership
  membership.log = resumption.log
  if (frames === undefined) {
    counters.incomplete++
    resumption.restart()
    connection.send(serverEvents.resumedAnew(peer, status, room.members.values(), ticket, ref))
  } else {
    counters.complete++
    connection.send(serverEvents.resumed(peer, resumption.received, ticket, ref))
    for (const frame of frames) connection.send(frame)
  }
  connection.socket?.subscribe(room.topic)
  connection.checkBacklog()
}
