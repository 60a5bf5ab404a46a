// One room in the memory of this process, and what can be read of it. memory-room-store.ts alone changes it.

import type { PeerId } from "./ids.ts"
import type { Lock, Member, Position, RoomSnapshot } from "./room-store.ts"

/** A room while it has members. */
export interface MemoryRoom {
  readonly epoch: string
  seq: number
  peak: number
  readonly openedAt: number
  /** Oldest first. A list: a Map is 300 bytes larger, and most rooms are small. */
  readonly members: Member[]
  /** The proofs of those that may be taken over; most rooms have none. */
  proofs: Map<PeerId, string> | undefined
  /** What proved memberships that others have replaced, and until when (ms) it is known; the oldest first. */
  replaced: Map<PeerId, { readonly proof: string; readonly until: number }> | undefined
  lock: Lock | undefined
}

/** The member of that id, if it is in the room. */
export function findMember(room: MemoryRoom, peer: PeerId): Member | undefined {
  return room.members[indexOf(room, peer)]
}

/** Other members of the same identity. */
export function othersWith({ members }: MemoryRoom, mark: string | undefined, peer: PeerId): Member[] {
  return mark === undefined ? [] : members.filter((member) => member.mark === mark && member.peer !== peer)
}

/** Whether `given` is one of the proofs in `proof`, between spaces. */
export function hasWord(proof: string | undefined, given: string): boolean {
  return proof?.split(" ").includes(given) === true
}

/** Its place in the list of members; -1 when it is in none. No closure: each frame for a whole room asks this. */
export function indexOf({ members }: MemoryRoom, peer: PeerId): number {
  for (let at = 0; at < members.length; at++) if (members[at]?.peer === peer) return at
  return -1
}

/** Where its log is. */
export function toPosition({ epoch, seq }: MemoryRoom): Position {
  return { epoch, seq }
}

/** Its members now, and where its log is. */
export function toSnapshot(room: MemoryRoom): RoomSnapshot {
  return { epoch: room.epoch, seq: room.seq, members: [...room.members] }
}
