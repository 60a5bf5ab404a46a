// Which dialect a connection speaks: decided by its handshake, or, where several meet at the same address, by its first
// message. A connection keeps its dialect.

import type { Connection } from "../connections/connection.ts"
import type { PeerId } from "../rooms/ids.ts"
import type { Admission, Dialect, Handshake, Visit } from "./contract.ts"
import type { Conversation } from "./conversation.ts"

/** The dialect of a client that connects in this way; undefined where the first message will tell. */
export function dialectFor(dialects: readonly Dialect[], handshake: Handshake): string | undefined {
  const [first, second] = candidatesFor(dialects, handshake)
  return second === undefined ? first?.name : undefined
}

/**
 * Opens a conversation.
 * @param dialects in the order in which they are asked; the last takes what nobody recognises
 */
export function openConversation(
  dialects: readonly Dialect[],
  connection: Connection,
  handshake: Handshake,
): Conversation {
  const candidates = candidatesFor(dialects, handshake)
  const [first, second] = candidates
  if (first === undefined) throw new TypeError("there is no dialect")
  return second === undefined ? first.open(connection, handshake) : new Undecided(candidates, connection, handshake)
}

/** Those whose client it may be: one, or several among which the first message decides. */
function candidatesFor(dialects: readonly Dialect[], handshake: Handshake): readonly Dialect[] {
  const candidates = dialects.filter((dialect) => dialect.recognises(handshake))
  if (candidates.length === 0) return dialects.slice(-1)
  return candidates[0]?.recognisesFirst === undefined ? candidates.slice(0, 1) : candidates
}

/** Nothing is said before the first message, which decides. */
class Undecided implements Conversation {
  readonly connection: Connection
  readonly membership = undefined
  readonly #candidates: readonly Dialect[]
  readonly #handshake: Handshake

  constructor(candidates: readonly Dialect[], connection: Connection, handshake: Handshake) {
    this.#candidates = candidates
    this.connection = connection
    this.#handshake = handshake
  }

  /** Any of them may be meant: each has its own look at the first message. */
  get maxFrameBytes(): number {
    return Math.max(...this.#candidates.map(({ maxFrameBytes }) => maxFrameBytes))
  }

  get peer(): PeerId {
    return this.connection.id as PeerId
  }

  onMessage(text: string): void | Promise<void> {
    return this.#decide(text).onMessage(text)
  }

  onRefused(text: string): void {
    this.#decide(text).onRefused(text)
  }

  onClose(): void {}

  sendEvent(): void {}

  #decide(text: string): Conversation {
    const dialect = this.#candidates.find((one) => one.recognisesFirst?.(text) ?? true) ?? this.#candidates.at(-1)
    if (dialect === undefined) throw new TypeError("there is no dialect")
    const conversation = dialect.open(this.connection, this.#handshake)
    this.connection.receiver = conversation
    conversation.onOpen?.()
    return conversation
  }
}

/** What the first dialect that has something to say of a handshake makes of it. */
export function admissionOf(dialects: readonly Dialect[], handshake: Handshake, visit: Visit): Admission | undefined {
  for (const dialect of dialects) {
    const admission = dialect.admit?.(handshake, visit)
    if (admission !== undefined) return admission
  }
  return undefined
}
