// The smallest socket and topics the core can work with, so tests drive it with plain objects and Bun stays outside.

/** One client's connection. */
export interface Socket {
  /** The other end's address, a proxy's where there is one; where it is missing, nothing comes over this socket itself. */
  readonly remoteAddress?: string
  /** Bytes of what its client is just sending and that is not whole yet, where the socket knows. */
  readonly unfinishedBytes?: number
  /** Sends one text frame, behind everything published to the socket's topics before. @returns below 0 when it waits, as Bun says it */
  send(text: string): unknown
  /** Closes with a code of RFC 6455 section 7.4 or 4000-4999. */
  close(code: number, reason: string): void
  /** Ends it without a word, with all that waits; where there is none, close does. */
  terminate?(): void
  /** Sends all that `send` is called for within `call` in one go; where there is none, each is sent by itself. */
  cork?(call: () => void): unknown
  /** Sends a WebSocket ping; the answer reaches Connection.onPong. */
  ping(): void
  /** Bytes sent and not yet taken by the network. */
  getBufferedAmount(): number
  subscribe(topic: string): void
  unsubscribe(topic: string): void
}

/** Topics for clients without a WebSocket: what is published reaches them in the same order. */
export interface PlainTopics {
  subscribe(topic: string, subscriber: Pick<Socket, "send">): void
  unsubscribe(topic: string, subscriber: Pick<Socket, "send">): void
}
