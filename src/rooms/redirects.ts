// Memberships that have gone to another node while what they need there is still gathered here. What arrives for them
// meanwhile, as its senders did not know, is kept for that.

import type { PeerId } from "./ids.ts"
import type { Membership } from "./membership.ts"
import type { Relay } from "./room-store.ts"

/** See the head of this file. */
export class Redirects {
  readonly #byPeer = new Map<PeerId, Membership>()

  /** Keeps, in the log of this membership, what comes for it from here on; until it is removed. */
  add(membership: Membership): void {
    this.#byPeer.set(membership.peer, membership)
  }

  /** Keeps nothing more. */
  remove(membership: Membership): void {
    if (this.#byPeer.get(membership.peer) === membership) this.#byPeer.delete(membership.peer)
  }

  /** Whether a relay is for one of them. One from a peer that had left before is dropped, as always. */
  take({ room, from, to, text }: Relay): boolean {
    if (this.#byPeer.size === 0) return false
    const membership = this.#byPeer.get(to)
    if (membership?.room.key !== room) return false
    if (membership.room.members.has(from)) membership.log?.push(text)
    return true
  }
}
