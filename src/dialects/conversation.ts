// One client, as its dialect speaks with it.

import type { Close } from "../connections/close.ts"
import type { Connection } from "../connections/connection.ts"
import type { Receiver } from "../connections/receiver.ts"
import type { PeerId } from "../rooms/ids.ts"
import type { Membership } from "../rooms/membership.ts"

/** One client's side of a dialect: what it said, where it is a member, how to speak to it. */
export interface Conversation extends Receiver {
  readonly connection: Connection
  /** The id by which the members of its room know it. */
  readonly peer: PeerId
  /** Where it is a member; of several, the oldest. */
  readonly membership: Membership | undefined
  /** Sends an event of a plug-in; nothing where the dialect has no words for it. */
  sendEvent(event: string, fields: Readonly<Record<string, unknown>>): void
  /** What a client is told before it is turned away in this manner; nothing where the dialect has no words for it. */
  wordsFor?(refusal: Close): string | undefined
  /**
   * The connection is about to be closed by the server, which goes away: keeps the membership for the client to resume it.
   * @returns whether it is kept
   */
  hold?(): boolean
  /** Ends the membership of a client that is away and may come back; nothing where none can. */
  leave?(): Promise<void> | undefined
  /** The server goes away in so many seconds; nothing where the dialect has no word for it. */
  announceShutdown?(seconds: number): void
}
