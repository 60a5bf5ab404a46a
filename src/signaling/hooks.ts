// Where the core lets others in. Plug-ins are composed into one Hooks at start (src/plugins); the core does not know
// what they are. Everything here may be absent, and costs nothing then.

import type { Envelope } from "../protocol/client-events.ts"
import type { PeerId } from "../protocol/ids.ts"
import type { Session } from "./session.ts"

/** What the core asks of its plug-ins. */
export interface Hooks {
  /** Further fields of `joined_room` for this peer. */
  joinedFields(peer: PeerId): Readonly<Record<string, unknown>> | undefined
  /** Client events beyond the core's, by name. */
  readonly events: ReadonlyMap<string, (session: Session, envelope: Envelope) => void | Promise<void>>
}
