// The browsers' listener: Bun.serve with its WebSocket pub/sub, and the pages beside it. Nearly everything is asked of
// the connection and of what it speaks; here is only what Bun is called and told.

import type { Server, TLSOptions } from "bun"
import { CLOSE, type Close } from "../connections/close.ts"
import { Connection } from "../connections/connection.ts"
import type { Connections } from "../connections/connections.ts"
import { openConversation } from "../dialects/choose.ts"
import type { Dialect } from "../dialects/contract.ts"
import type { Conversation } from "../dialects/conversation.ts"
import type { Hooks } from "../dialects/hooks.ts"
import type { Log } from "../log.ts"
import type { Topics } from "../rooms/topics.ts"
import { answerBadRequest } from "./paths.ts"

/** What the browsers' listener needs to know. */
export interface SocketOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Certificate chain and key for wss; none is ws. */
  readonly tls: TLSOptions | undefined
  /** Unsent bytes after which a client is closed: a frame dropped in silence would break the order of the rest. */
  readonly maxBacklogBytes: number
  /** 0 is no limit. */
  readonly maxConnections: number
  /** Origins of pages that may connect; empty is any. CORS does not apply to WebSockets, so this is the only guard. */
  readonly origins: readonly string[]
}

/** The running listener. */
export interface Sockets {
  readonly port: number
  /** From now on new connections get 503. */
  refuseNew(): void
  /** Ends the listener and whatever is still connected. */
  stop(): Promise<void>
}

/** Whom it serves. */
export interface SocketParts {
  readonly connections: Connections
  /** In the order in which they are asked; see openConversation. */
  readonly dialects: readonly Dialect[]
  readonly hooks: Hooks
  readonly topics: ServerTopics
  readonly log: Log
  /** Answers plain HTTP requests. */
  readonly answer: (request: Request) => Response | Promise<Response>
}

/** What Bun keeps with a socket: its connection, or how to close one that may not open. */
type SocketData = Connection | Close

/** Twice the limit: a connection over it is closed at the next frame; only a burst in one go gets past that, and is cut off. */
const CUT_OFF_PART = 2

/** Topics that exist before the listener does: the rooms are made first, the listener needs what they are part of. */
export class ServerTopics implements Topics {
  #server: Server<SocketData> | undefined

  /** Bun answers 0 for a frame that was dropped (or heard by nobody), -1 for one that waits. */
  publish(topic: string, text: string): boolean {
    return this.#server !== undefined && this.#server.publish(topic, text) <= 0
  }

  /** The listener whose sockets subscribe. */
  use(server: Server<SocketData>): void {
    this.#server = server
  }
}

/**
 * Listens for browsers.
 * @throws when the address cannot be listened on
 */
export function listenForSockets(
  options: SocketOptions,
  { connections, dialects, hooks, topics, log, answer }: SocketParts,
): Sockets {
  let isRefusing = false
  const origins = new Set(options.origins)
  const isAllowed = (request: Request): boolean =>
    origins.size === 0 || origins.has("*") || origins.has(request.headers.get("origin") ?? "")
  const headersFor = subProtocolHeaders(dialects)

  const server = Bun.serve<SocketData>({
    hostname: options.host,
    port: options.port,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    fetch(request, server) {
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return answer(request)
      if (isRefusing) return new Response("shutting down\n", { status: 503, headers: { "retry-after": "1" } })
      if (!isAllowed(request)) return new Response("this origin may not connect\n", { status: 403 })
      const url = URL.parse(request.url)
      if (url === null) return answerBadRequest()
      for (const dialect of dialects) {
        const refused = dialect.refuse?.({ request, url })
        if (refused !== undefined) return refused
      }
      const connection = new Connection(connections, (it) => openConversation(dialects, it, { request, url }))
      // Completes the handshake also for one to be refused: only an open socket can be given a close code.
      const upgrade = (refusal: Close | undefined): Response | undefined => {
        if (server.upgrade(request, { data: refusal ?? connection, headers: headersFor(request) })) return undefined
        return new Response("not a WebSocket handshake (RFC 6455 section 4.2.1)\n", { status: 400 })
      }
      const verdict = hooks.connect?.(request, connection.receiver as Conversation)
      return verdict instanceof Promise ? verdict.then(upgrade) : upgrade(verdict)
    },
    error(cause) {
      log.error({ err: cause }, "bug: a request failed")
      return new Response("internal error\n", { status: 500 })
    },
    websocket: {
      // Liveness finds the dead; Bun's idle timeout would spare those that are being sent to.
      idleTimeout: 0,
      sendPings: false,
      perMessageDeflate: false,
      maxPayloadLength: Math.max(...dialects.map(({ maxFrameBytes }) => maxFrameBytes)),
      backpressureLimit: options.maxBacklogBytes * CUT_OFF_PART,
      closeOnBackpressureLimit: true,
      open(ws) {
        const isFull = options.maxConnections > 0 && connections.open.size >= options.maxConnections
        const { data } = ws
        const refusal = data instanceof Connection ? (isFull ? CLOSE.serverFull : undefined) : data
        // Bun passes on no message behind a close, so a connection that was never opened hears nothing.
        if (refusal !== undefined) ws.close(refusal.code, refusal.reason)
        else if (data instanceof Connection) data.onOpen(ws)
      },
      message(ws, message) {
        const connection = ws.data as Connection
        if (typeof message !== "string") return connection.close(CLOSE.binaryFrame)
        if (isLarger(message, connection.receiver.maxFrameBytes)) return connection.close(CLOSE.tooLarge)
        try {
          connection.onMessage(message)
        } catch (cause) {
          // What is thrown out of here would end the process: a bug met by one client must not end the others' calls.
          log.error({ err: cause }, "bug: a message failed")
          connection.close(CLOSE.internal)
        }
      },
      pong(ws) {
        if (ws.data instanceof Connection) ws.data.onPong()
      },
      ping(ws) {
        if (ws.data instanceof Connection) ws.data.onPong()
      },
      close(ws, code) {
        if (ws.data instanceof Connection) ws.data.onClose(code)
      },
    },
  })
  topics.use(server)
  return {
    port: server.port ?? options.port,
    refuseNew: () => {
      isRefusing = true
    },
    stop: () => server.stop(true),
  }
}

/** UTF-8 takes three bytes for a UTF-16 unit at most, so most frames need no second look. */
function isLarger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes
}

/** The first sub-protocol offered that a dialect knows. An empty one is not answered; without it Bun echoes any. */
function subProtocolHeaders(dialects: readonly Dialect[]): (request: Request) => Record<string, string> {
  const known = new Set(dialects.map(({ subProtocol }) => subProtocol))
  return (request) => {
    const offered = request.headers.get("sec-websocket-protocol")?.split(",") ?? []
    const name = offered.map((name) => name.trim()).find((name) => known.has(name))
    return { "sec-websocket-protocol": name ?? "" }
  }
}
