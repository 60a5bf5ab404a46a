// A client that may be in several rooms at once, under one id of the server's, and that cannot be told of an error: what
// the conversations of such dialects have in common.

import type { Connection } from "../connections/connection.ts"
import type { PeerId } from "../rooms/ids.ts"
import type { Membership } from "../rooms/membership.ts"
import type { Conversation } from "./conversation.ts"
import { type RefusalParts, refuse } from "./refusal.ts"

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

  /** Counts an error, and tells those who look on. */
  protected refuse(error: string): void {
    refuse(this.parts, this, error)
  }
}
