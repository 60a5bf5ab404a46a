// The fan-out inside this node: Bun's pub/sub, which reaches WebSockets only, and beside it the few clients that have
// none.

import type { Server } from "bun"
import type { Close } from "../connections/close.ts"
import type { PlainTopics, Socket } from "../connections/socket.ts"
import type { SocketUser } from "../dialects/contract.ts"
import type { Topics } from "../rooms/topics.ts"

/** What Bun keeps with a socket: who uses it, or how to close one that may not open. */
export type SocketData = SocketUser | Close

/** Topics that exist before the listener does: the rooms are made first, the listener needs what they are part of. */
export class ServerTopics implements Topics, PlainTopics {
  #server: Server<SocketData> | undefined
  /** Those without a WebSocket, by topic: empty on most nodes, and a look at its size is all they pay. */
  readonly #plain = new Map<string, Set<Pick<Socket, "send">>>()

  /** Bun answers 0 for a frame that was dropped (or heard by nobody), -1 for one that waits. */
  publish(topic: string, text: string): boolean {
    if (this.#plain.size > 0) for (const subscriber of this.#plain.get(topic) ?? []) subscriber.send(text)
    return this.#server !== undefined && this.#server.publish(topic, text) <= 0
  }

  subscribe(topic: string, subscriber: Pick<Socket, "send">): void {
    const known = this.#plain.get(topic)
    if (known === undefined) this.#plain.set(topic, new Set([subscriber]))
    else known.add(subscriber)
  }

  unsubscribe(topic: string, subscriber: Pick<Socket, "send">): void {
    const known = this.#plain.get(topic)
    if (known?.delete(subscriber) && known.size === 0) this.#plain.delete(topic)
  }

  /** The listener whose sockets subscribe. */
  use(server: Server<SocketData>): void {
    this.#server = server
  }
}
