// The memberships of this node in one room: on their way in, in it, and on their way out. What becomes of them, and who is
// told, is the room's part (room.ts).

import type { PeerId } from "./ids.ts"
import type { Joiner } from "./joiner.ts"
import type { Membership } from "./membership.ts"
import { PeerList } from "./peer-list.ts"
import { RoomLog } from "./room-log.ts"

// Shared by all rooms that nobody enters or leaves, which is most of them: an empty Map of each room's own is 60 bytes,
// and one that was in use keeps some 300. Never changed, only replaced.
const NOBODY = new Map<never, never>()

/** See the head of this file. */
export abstract class RoomMembers extends RoomLog {
  /** Memberships of this node that are in. Only the room itself changes the list, and what is in it. */
  readonly here = new PeerList<Membership>()
  #joiners: Map<PeerId, Joiner> = NOBODY
  #leaving: Map<PeerId, number> = NOBODY

  /** Those on their way in. */
  get joiners(): ReadonlyMap<PeerId, Joiner> {
    return this.#joiners
  }

  /** Those on their way out, with their generation, until the store has said yes. */
  get leaving(): ReadonlyMap<PeerId, number> {
    return this.#leaving
  }

  /** Whether this node has anybody in the room, on the way in, or on the way out. */
  get isUsed(): boolean {
    return this.here.size > 0 || this.#joiners.size > 0 || this.#leaving.size > 0
  }

  /** A membership begins its way in. @returns false, and it does not, while another of that peer is on its way */
  addJoiner(joiner: Joiner): boolean {
    if (this.#joiners.has(joiner.membership.peer)) return false
    // Kept for one who is leaving, with nobody else here, it may miss what happens until we are in.
    if (this.here.size === 0 && this.#joiners.size === 0) this.suspend()
    if (this.#joiners === NOBODY) this.#joiners = new Map()
    this.#joiners.set(joiner.membership.peer, joiner)
    return true
  }

  /** It is in, or was refused. */
  removeJoiner({ peer }: Membership): void {
    this.#joiners.delete(peer)
    if (this.#joiners.size === 0) this.#joiners = NOBODY
  }

  /** The store is being told that a membership leaves. */
  addLeaving(peer: PeerId, generation: number): void {
    if (this.#leaving === NOBODY) this.#leaving = new Map()
    this.#leaving.set(peer, generation)
  }

  /** The store knows. @returns whether it did not before */
  removeLeaving(peer: PeerId, generation: number): boolean {
    if (this.#leaving.get(peer) !== generation) return false
    this.#leaving.delete(peer)
    if (this.#leaving.size === 0) this.#leaving = NOBODY
    return true
  }
}
