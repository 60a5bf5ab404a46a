// The `info` event: which protocol and which server this is.

import type { Envelope } from "../protocol/client-events.ts"
import * as serverEvents from "../protocol/server-events.ts"
import type { Session } from "../signaling/session.ts"

/** The version of protocol.md. */
const PROTOCOL_VERSION = "1.0.0"

/** The handler of `info` for a server of this version. */
export function makeInfoHandler(version: string): (session: Session, envelope: Envelope) => void {
  const fields = { protocol_version: PROTOCOL_VERSION, server: "palava-machine", version }
  return (session, { ref }) => session.send(serverEvents.serverEvent("info", fields, ref))
}
