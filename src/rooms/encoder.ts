// How the events of a room read on the wire. A room speaks one dialect, so each event is encoded once for all its
// members at this node.

import type { PeerId } from "./ids.ts"
import type { Member, StatusText } from "./room-store.ts"

/** Makes frames. Undefined: this dialect has no word for it, and nobody is told. */
export interface RoomEncoder {
  joined(member: Member): string | undefined
  left(peer: PeerId): string | undefined
  status(peer: PeerId, status: StatusText): string | undefined
  /**
   * Where a room has one member: which of several, as there may be when the store was away and nodes have put theirs back.
   * Every node must say the same.
   */
  ownerOf?(members: readonly Member[]): Member
  /** An event of a plug-in, where the dialect has words for it. */
  event?(event: string, fields: Readonly<Record<string, unknown>>): string
}
