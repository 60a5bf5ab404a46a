// Refusals in dialects that have no word for an error: counted, told to observers, and, where a client would be left with
// less than the others have, ended by a close, after which it connects anew by itself.

import { CLOSE } from "../connections/close.ts"
import type { Membership } from "../rooms/membership.ts"
import type { Audience } from "../rooms/room-store.ts"
import type { ChangeOutcome } from "../rooms/status-changes.ts"
import type { DialectParts } from "./contract.ts"
import type { Conversation } from "./conversation.ts"
import type { DialectCounters } from "./counters.ts"

/** What a dialect refuses with. */
export interface RefusalParts extends DialectParts {
  readonly counters: DialectCounters
}

/** Counts a refusal and tells it to observers. `error` is from a closed set. */
export function refuse(
  { counters, hooks, rooms }: RefusalParts,
  { peer, membership }: Conversation,
  error: string,
): void {
  counters.countError(error)
  if (membership !== undefined) rooms.tracer?.happened(membership.room.key, membership.peer, "error", error)
  hooks.observer?.refused?.(peer, error)
}

/**
 * Publishes a text to a room. When that cannot be done now, the client is parted from: a text that its sender believes
 * to be said, and that nobody else will ever get, would keep them apart for good.
 */
export function publish(
  parts: RefusalParts,
  conversation: Conversation,
  membership: Membership,
  text: string,
  to: Audience,
): void | Promise<void> {
  const outcome = parts.rooms.commands.publish(membership, text, to)
  if (outcome instanceof Promise) return outcome.then((outcome) => onPublished(parts, conversation, outcome))
  onPublished(parts, conversation, outcome)
}

function onPublished(parts: RefusalParts, conversation: Conversation, outcome: ChangeOutcome): void {
  if (outcome === "done") return
  refuse(parts, conversation, outcome)
  conversation.connection.close(CLOSE.unavailable)
}
