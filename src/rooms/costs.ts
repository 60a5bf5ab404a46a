// What is charged to a connection for what it has all members of a room told, in bytes that are sent.

import type { Room } from "./room.ts"
import type { StatusText } from "./room-store.ts"

/**
 * 1 KiB: what a change of a room costs in bytes that are sent, besides the status or frame in it, which each member gets:
 * the script call, and the frames around.
 */
export const CHANGE_BYTES = 1_024

/** The newcomer is told the status of all, and all are told its own. */
export function outputOfJoin({ members }: Room, status: StatusText): number {
  let bytes = status.length * members.size
  for (const member of members.values()) bytes += member.status.length
  return bytes
}
