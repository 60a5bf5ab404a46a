// The browsers' listener: Bun.serve with its WebSocket pub/sub, and the pages beside it. Nearly everything is asked of
// the session; here is only what Bun is called and told.

import type { Server, TLSOptions } from "bun"
import { CLOSE, type Close } from "../connections/close.ts"
import type { PeerId } from "../rooms/ids.ts"
import type { Hub } from "../signaling/hub.ts"
import { Session } from "../signaling/session.ts"
import type { Topics } from "../signaling/socket.ts"

/** The one WebSocket sub-protocol there is (RFC 6455 section 1.9). */
const SUB_PROTOCOL = "palava.1.0"

/** What the browsers' listener needs to know. */
export interface SocketOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Certificate chain and key for wss; none is ws. */
  readonly tls: TLSOptions | undefined
  readonly maxFrameBytes: number
  /** Unsent bytes after which a client is closed: a frame let go in silence would break the order of the rest. */
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

/** Topics that exist before the listener does: the hub is made first, the listener needs the hub. */
export class ServerTopics implements Topics {
  #server: Server<Session> | undefined
  #onLetGo: (topic: string) => void = () => {}

  publish(topic: string, text: string): void {
    if (this.#server?.publish(topic, text) === 0) this.#onLetGo(topic)
  }

  /** The listener whose sockets subscribe; `onLetGo` hears of each message that reached no buffer. */
  use(server: Server<Session>, onLetGo: (topic: string) => void): void {
    this.#server = server
    this.#onLetGo = onLetGo
  }
}

/**
 * Listens for browsers.
 * @param answer what answers plain HTTP requests
 * @throws when the address cannot be listened on
 */
export function listenForSockets(
  options: SocketOptions,
  hub: Hub,
  topics: ServerTopics,
  answer: (request: Request) => Response | Promise<Response>,
): Sockets {
  let isRefusing = false
  const origins = new Set(options.origins)
  const isAllowed = (request: Request): boolean =>
    origins.size === 0 || origins.has("*") || origins.has(request.headers.get("origin") ?? "")

  const server = Bun.serve<Session>({
    hostname: options.host,
    port: options.port,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    fetch(request, server) {
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return answer(request)
      if (isRefusing) return new Response("shutting down\n", { status: 503, headers: { "retry-after": "1" } })
      if (!isAllowed(request)) return new Response("this origin may not connect\n", { status: 403 })
      const session = new Session(hub)
      const verdict = hub.hooks.connect?.(request, session)
      if (verdict instanceof Promise) return verdict.then((refusal) => upgrade(request, server, session, refusal))
      return upgrade(request, server, session, verdict)
    },
    error(cause) {
      hub.log.error({ err: cause }, "bug: a request failed")
      return new Response("internal error\n", { status: 500 })
    },
    websocket: {
      // The clock of the hub finds the dead; Bun's would spare those that are being sent to.
      idleTimeout: 0,
      sendPings: false,
      perMessageDeflate: false,
      maxPayloadLength: options.maxFrameBytes,
      backpressureLimit: options.maxBacklogBytes,
      closeOnBackpressureLimit: true,
      open(ws) {
        const isFull = options.maxConnections > 0 && hub.sessions.size >= options.maxConnections
        const refusal = ws.data.refusal ?? (isFull ? CLOSE.serverFull : undefined)
        // Bun passes on no message behind a close, so a session that was never opened hears nothing.
        if (refusal !== undefined) ws.close(refusal.code, refusal.reason)
        else ws.data.onOpen(ws)
      },
      message(ws, message) {
        if (typeof message !== "string") return ws.data.close(CLOSE.binaryFrame)
        try {
          ws.data.onMessage(message)
        } catch (cause) {
          // What is thrown out of here would end the process: a bug met by one client must not end the others' calls.
          hub.log.error({ err: cause }, "bug: a message failed")
          ws.data.close(CLOSE.internal)
        }
      },
      pong(ws) {
        ws.data.onPong()
      },
      ping(ws) {
        ws.data.onPong()
      },
      close(ws) {
        ws.data.onClose()
      },
    },
  })
  topics.use(server, (topic) => {
    // A room of one has nobody to tell; a peer who is let go of has a full buffer, and Bun closes it (1006).
    const session = hub.sessions.get(topic as PeerId)
    if (session === undefined || session.isTooSlow) return
    session.isTooSlow = true
    hub.counters.closedTooSlow++
  })
  return {
    port: server.port ?? options.port,
    refuseNew: () => {
      isRefusing = true
    },
    stop: () => server.stop(true),
  }
}

/** Completes the handshake, also for one to be refused: only an open socket can be given a close code. */
function upgrade(
  request: Request,
  server: Server<Session>,
  session: Session,
  refusal: Close | undefined,
): Response | undefined {
  session.refusal = refusal
  if (server.upgrade(request, { data: session, ...subProtocol(request) })) return undefined
  return new Response("not a WebSocket handshake (RFC 6455 section 4.2.1)\n", { status: 400 })
}

/** The first sub-protocol offered that the server knows. An empty one is not answered; without it Bun echoes any. */
function subProtocol(request: Request): { headers: Record<string, string> } {
  const offered = request.headers.get("sec-websocket-protocol")?.split(",") ?? []
  const isKnown = offered.some((name) => name.trim() === SUB_PROTOCOL)
  return { headers: { "sec-websocket-protocol": isKnown ? SUB_PROTOCOL : "" } }
}
