// The port browsers come to, which changes its certificates while it is in use. Bun's listeners keep those they began
// with (server.reload ignores them), so a renewal ends the listening of one and begins that of another on the same port
// within one turn of the event loop. Sockets of the former one live on, with topics of their own.

import type { Server, WebSocketHandler } from "bun"
import { boundReceiveBuffers } from "./receive-buffers.ts"
import type { Tls } from "./tls.ts"
import type { ServerTopics, SocketData } from "./topics.ts"

/** What Bun.serve is told, but for port and certificates. */
export interface Serving {
  readonly hostname: string
  readonly reusePort: boolean
  /** In bytes; what is longer is answered with 413. */
  readonly maxRequestBodySize: number
  fetch(request: Request, server: Server<SocketData>): Response | undefined | Promise<Response | undefined>
  error(cause: Error): Response
  readonly websocket: WebSocketHandler<SocketData>
}

/** 4 former listeners with open connections: renewals are weeks apart; a fifth means connections of months, or a mistake. */
const MOST_FORMER = 4

/** See the head of this file. */
export class Listener {
  readonly port: number
  readonly #serving: Serving
  readonly #topics: ServerTopics
  #tls: Tls | undefined
  #server: Server<SocketData>
  /** Those that still have connections, the oldest first. */
  readonly #former = new Set<Server<SocketData>>()

  /** @param port 0 takes a free one. Throws when it cannot be listened on */
  constructor(serving: Serving, port: number, tls: Tls | undefined, topics: ServerTopics) {
    this.#serving = serving
    this.#topics = topics
    this.#tls = tls
    this.#server = this.#serve(port, tls)
    this.port = this.#server.port ?? port
    topics.use(this.#server)
  }

  /** Listens with these certificates from now on. Throws when they cannot be used; then it listens with the old ones. */
  renew(tls: Tls): void {
    const former = this.#server
    const ended = former.stop(false)
    try {
      this.#server = this.#serve(this.port, tls)
      this.#tls = tls
    } catch (cause) {
      this.#server = this.#serve(this.port, this.#tls)
      throw cause
    } finally {
      if (this.#server !== former) this.#succeed(former, ended)
    }
  }

  /** No more connections from now on; those there are stay. */
  stopListening(): void {
    void this.#server.stop(false)
  }

  /** Ends it, and every connection. */
  async stop(): Promise<void> {
    await Promise.all([this.#server, ...this.#former].map((server) => server.stop(true)))
  }

  #succeed(former: Server<SocketData>, ended: Promise<void>): void {
    this.#topics.use(this.#server)
    this.#former.add(former)
    ended.then(() => this.#forget(former))
    const [oldest] = this.#former
    if (this.#former.size > MOST_FORMER) oldest?.stop(true)
  }

  #serve(port: number, tls: Tls | undefined): Server<SocketData> {
    const secure = tls === undefined ? {} : { tls: [...tls] }
    const server = Bun.serve<SocketData>({ ...this.#serving, port, ...secure })
    boundReceiveBuffers()
    return server
  }

  #forget(server: Server<SocketData>): void {
    this.#former.delete(server)
    this.#topics.forget(server)
  }
}
