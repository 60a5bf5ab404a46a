// A membership on its way in: asked for, perhaps granted, not yet seen in the room's log.

import type { Membership } from "./membership.ts"
import type { Ref } from "./room-store.ts"

/** A membership on its way in. */
export interface Joiner {
  readonly membership: Membership
  readonly ref: Ref
  /** Whose it is; see Member.mark. */
  readonly mark: string | undefined
  /** The store has said yes; only the event is missing. */
  isAnswered: boolean
  /** Called once it is in the room. */
  readonly onJoined: () => void
}
