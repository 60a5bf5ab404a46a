// A client that may be in several rooms at once, under one id of the server's, and that cannot be told of an error: what
// the conversations of such dialects have in common.

import { CLOSE, type Close } from "../connections/close.ts"
import type { Connection } from "../connections/connection.ts"
import type { PeerId } from "../rooms/ids.ts"
import type { Membership } from "../rooms/membership.ts"
import type { Conversation } from "./conversation.ts"
import type { EntryOutcome } from "./entry.ts"
import { type RefusalParts, refuse } from "./refusal.ts"

/** How to part from who cannot enter now: its client connects and enters anew by itself. */
const PARTING: Partial<Record<EntryOutcome, Close>> = {
  rate_limited: CLOSE.rateLimited,
  unavailable: CLOSE.unavailable,
  internal: CLOSE.internal,
}

/** See the head of this file. */
export abstract class ManyRooms<Parts extends RefusalParts> implements Conversation {
  readonly connection: Connection
  protected readonly parts: Parts
  /** By the room's name. */
  protected readonly memberships = new Map<string, Membership>()

  constructor(connection: Connection, parts: Parts) {
    this.connection = connection
    this.parts = parts
  }

  get maxFrameBytes(): number {
    return this.parts.limits.maxFrameBytes
  }

  /** In every room the same. */
  get peer(): PeerId {
    return this.connection.id as PeerId
  }

  get membership(): Membership | undefined {
    const [first] = this.memberships.values()
    return first
  }

  abstract onMessage(text: string): void | Promise<void>

  onRefused(): void {
    this.refuse("rate_limited")
  }

  onClose(): void {
    for (const membership of this.memberships.values()) void this.parts.rooms.commands.leave(membership)
    this.memberships.clear()
  }

  sendEvent(): void {}

  /** Parts from the client, where it has less than the others after such an outcome. */
  protected partAfter(outcome: EntryOutcome): void {
    const close = PARTING[outcome]
    if (close !== undefined) this.connection.close(close)
  }

  /** Counts an error, and tells those who look on. */
  protected refuse(error: string): void {
    refuse(this.parts, this, error)
  }
}
