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
  /** Listeners that take no new connections but still have some, each with topics of its own; nearly always none. */
  readonly #former = new Set<Server<SocketData>>()
  /** Those without a WebSocket, by topic: empty on most nodes, and a look at its size is all they pay. */
  readonly #plain = new Map<string, Set<Pick<Socket, "send">>>()

  /** Bun answers 0 for a frame that was dropped (or heard by nobody), -1 for one that waits. */
  publish(topic: string, text: string): boolean {
    if (this.#plain.size > 0) for (const subscriber of this.#plain.get(topic) ?? []) subscriber.send(text)
    const isDropped = this.#server !== undefined && this.#server.publish(topic, text) <= 0
    return this.#former.size === 0 ? isDropped : this.#publishToFormer(topic, text) || isDropped
  }

  /** A listener where nobody hears it answers 0 as well: then a look at backlogs is made in vain. */
  #publishToFormer(topic: string, text: string): boolean {
    let isDropped = false
    for (const server of this.#former) isDropped = server.publish(topic, text) <= 0 || isDropped
    return isDropped
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

  /** The listener whose sockets subscribe from now on; those of the former one stay. */
  use(server: Server<SocketData>): void {
    if (this.#server !== undefined) this.#former.add(this.#server)
    this.#server = server
  }

  /** A former listener has no connection left. */
  forget(server: Server<SocketData>): void {
    this.#former.delete(server)
  }
}
