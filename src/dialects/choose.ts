// Which dialect a connection speaks: decided by its handshake, or, where several meet at the same address, by its first
// message. A connection keeps its dialect.

import type { Connection } from "../connections/connection.ts"
import type { PeerId } from "../rooms/ids.ts"
import type { Dialect, Handshake } from "./contract.ts"
import type { Conversation } from "./conversation.ts"

/**
 * Opens a conversation.
 * @param dialects in the order in which they are asked; the last takes what nobody recognises
 */
export function openConversation(
  dialects: readonly Dialect[],
  connection: Connection,
  handshake: Handshake,
): Conversation {
  const candidates = dialects.filter((dialect) => dialect.recognises(handshake))
  const [first] = candidates.length > 0 ? candidates : dialects.slice(-1)
  if (first === undefined) throw new TypeError("there is no dialect")
  const isDecided = candidates.length < 2 || first.recognisesFirst === undefined
  return isDecided ? first.open(connection, handshake) : new Undecided(candidates, connection, handshake)
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
