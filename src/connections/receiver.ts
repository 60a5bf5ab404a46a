// What a connection speaks, as far as the connection has to know.

/** What a connection hands its messages to; made by a dialect. */
export interface Receiver {
  /** Largest frame the client may send, in bytes. */
  readonly maxFrameBytes: number
  /** What its client is in; who is in nothing for long is parted from. */
  readonly membership?: object | undefined
  /** The connection is open: who speaks first does it here. */
  onOpen?(): void
  /** A text frame; a promise keeps the next ones waiting. What it throws or rejects with closes the connection (1011). */
  onMessage(text: string): void | Promise<void>
  /** A text frame that is not handled, as there are too many. */
  onRefused(text: string): void
  /** The connection is gone, whoever ended it; `code` is that of the close frame, or BROKEN. */
  onClose(code: number): void
}

/** What a connection speaks that was parted from, while its client has something left to read. */
export const NOTHING: Receiver = { maxFrameBytes: 0, onMessage() {}, onRefused() {}, onClose() {} }
