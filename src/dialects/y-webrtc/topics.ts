// What a topic of y-webrtc is to the rooms: a room whose members are its subscribers. Who publishes without being
// subscribed is a member as well, marked by its status: it hears nothing and is counted by nobody.

import type { JoinedRoom } from "../../rooms/membership.ts"
import type { StatusText } from "../../rooms/room-store.ts"

/**
 * 256 topics of one connection, each a document that is open in a tab: some hundred times what applications open. A
 * membership takes about 1 KB at its node and in Redis, so a connection cannot make more than 256 KB of them.
 */
export const TOPICS = 256

/** 1,000 members of a topic, or what a room may have if that is more: the clients call 20 to 35 of them each, whoever is there. */
export const SUBSCRIBERS = 1_000

/** The status of who publishes without being subscribed. */
export const PUBLISHES_ONLY: StatusText = '{"publishes_only":true}'

/** The subscribers on all nodes. */
export function countSubscribers({ members }: JoinedRoom): number {
  let count = 0
  for (const { status } of members.values()) if (status !== PUBLISHES_ONLY) count++
  return count
}
