// The browsers' listener: Bun.serve with its WebSocket pub/sub, and the pages beside it. Nearly everything is asked of
// the connection and of what it speaks; here is only what Bun is called and told.

import type { Server } from "bun"
import { makeAddressOf, visitorOf } from "../access/addresses.ts"
import { placeOf } from "../access/networks.ts"
import { SYSTEM_CLOCK } from "../clock.ts"
import { CLOSE, type Close } from "../connections/close.ts"
import { Connection } from "../connections/connection.ts"
import type { Connections } from "../connections/connections.ts"
import type { Place, Turned } from "../connections/places.ts"
import type { Socket } from "../connections/socket.ts"
import { admissionOf, dialectFor, openConversation } from "../dialects/choose.ts"
import type { Dialect, SocketUser, Visit } from "../dialects/contract.ts"
import type { Conversation } from "../dialects/conversation.ts"
import type { Hooks } from "../dialects/hooks.ts"
import type { Log } from "../log.ts"
import { Listener, type Serving } from "./listener.ts"
import { answerBadRequest, handshakePathOf, SocketHandshake } from "./paths.ts"
import { answerTurned, makeRefusalLog } from "./refusals.ts"
import { safely } from "./safe-headers.ts"
import { subProtocolHeaders } from "./sub-protocols.ts"
import type { Tls } from "./tls.ts"
import type { ServerTopics, SocketData } from "./topics.ts"

/** What the browsers' listener needs to know. */
export interface SocketOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Whether another process of this user may listen on it as well. */
  readonly reusePort: boolean
  /** Certificates for wss; none is ws. */
  readonly tls: Tls | undefined
  /** With certificates: how long browsers keep to https. */
  readonly hstsSeconds: number
  /** Largest frame a client may send, where its dialect has no limit of its own. */
  readonly maxFrameBytes: number
  /** Unsent bytes after which a client is closed: a frame dropped in silence would break the order of the rest. */
  readonly maxBacklogBytes: number
  /** Origins of pages that may connect; empty is any. CORS does not apply to WebSockets, so this is the only guard. */
  readonly origins: readonly string[]
  /** Networks of proxies that are believed where a client is. */
  readonly trustedProxies: readonly string[]
}

/** The running listener. */
export interface Sockets {
  readonly port: number
  /** From now on new connections get 503. */
  refuseNew(): void
  /** From now on there are no new connections; those there are stay. */
  stopListening(): void
  /** Uses these certificates for new connections; open ones go on. @throws when they cannot be used; then nothing changes */
  renew(tls: Tls): void
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
  /** Requests that come before it has resolved wait for it. */
  readonly opens?: Promise<void> | undefined
  /** Answers plain HTTP requests. */
  readonly answer: (request: Request, visit: Visit) => Response | Promise<Response>
}

/** Twice the limit: a connection over it is closed at the next frame; only a burst in one go gets past that, and is cut off. */
const CUT_OFF_PART = 2

/** 32 frames: twice what a client that polls may send in one request, the longest there is. */
const BODY_FRAMES = 32

/** Undefined for a request that has become a WebSocket. */
type Answer = Response | undefined

/**
 * Listens for browsers.
 * @throws when the address cannot be listened on
 */
export function listenForSockets(
  options: SocketOptions,
  { connections, dialects, hooks, topics, log, opens, answer }: SocketParts,
): Sockets {
  let isRefusing = false
  const { places } = connections
  let waitsFor: Promise<void> | undefined = opens?.then(() => {
    waitsFor = undefined
  })
  const origins = new Set(options.origins)
  const isAllowed = (request: Request): boolean =>
    origins.size === 0 || origins.has("*") || origins.has(request.headers.get("origin") ?? "")
  const addressOf = makeAddressOf(options.trustedProxies)
  const headersFor = subProtocolHeaders(dialects)
  const logRefused = makeRefusalLog(log, SYSTEM_CLOCK)

  const refusalOf = (request: Request, place: Place): Response | undefined => {
    if (isRefusing) return new Response("shutting down\n", { status: 503, headers: { "retry-after": "1" } })
    if (!isAllowed(request)) {
      logRefused(request.headers.get("origin"))
      return new Response("this origin may not connect\n", { status: 403 })
    }
    return turn(places.connect(place), place)
  }
  const turn = (turned: Turned | undefined, place: Place): Response | undefined => {
    if (turned === undefined) return undefined
    connections.countRefused(turned.reason, place)
    return answerTurned(turned)
  }
  const refuseFull = (): Close | undefined => {
    if (!connections.isFull) return undefined
    connections.countRefused("connections", undefined)
    return CLOSE.serverFull
  }
  /** One object for each request, and no closures: at a storm of handshakes what is left of them is what fills the heap. */
  class RequestVisit implements Visit {
    readonly #request: Request
    readonly #server: Server<SocketData>
    #address: string | undefined
    #port = 0

    constructor(request: Request, server: Server<SocketData>) {
      this.#request = request
      this.#server = server
    }

    get address(): string {
      if (this.#address === undefined) {
        const { address = "", port = 0 } = this.#server.requestIP(this.#request) ?? {}
        this.#port = port
        this.#address = addressOf(this.#request, address)
      }
      return this.#address
    }

    get port(): number {
      return this.address === "" ? 0 : this.#port
    }

    get visitor(): string {
      return options.trustedProxies.length > 0 ? this.address : visitorOf(this.#request, this.address)
    }

    get place(): Place {
      return places.of(placeOf(this.address))
    }

    refusal(): Response | undefined {
      return refusalOf(this.#request, this.place)
    }

    charge(): Response | undefined {
      const { place } = this
      return turn(places.request(place), place)
    }

    hold(): void {
      this.#server.timeout(this.#request, 0)
    }

    async open(
      dialect: string,
      converse: (connection: Connection) => Conversation,
      socket: Socket,
    ): Promise<Close | undefined> {
      const connection = new Connection(connections, converse, this.place)
      const asked = { address: this.address, dialect }
      const verdict = hooks.connect?.(this.#request, asked, connection.receiver as Conversation)
      const isAsked = verdict instanceof Promise
      const refusal = (isAsked ? await places.keepDuring(connection.place, verdict) : verdict) ?? refuseFull()
      if (refusal !== undefined) return refusal
      connection.onOpen(socket)
      return undefined
    }
  }
  /** Why a socket may not open now, though its handshake was completed. */
  const lateRefusal = (user: SocketUser): Close | undefined => {
    if (!(user instanceof Connection)) return undefined
    if (connections.open.has(user.id)) return CLOSE.protocol
    return refuseFull()
  }

  const serve = (request: Request, server: Server<SocketData>): Answer | Promise<Answer> => {
    const visit = new RequestVisit(request, server)
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return answer(request, visit)
    const refusal = refusalOf(request, visit.place)
    if (refusal !== undefined) return refusal
    if (!connections.turns.isOver()) return shakeHands(request, server, visit)
    return connections.turns.take(visit.place, () => shakeHands(request, server, visit))
  }

  const shakeHands = (request: Request, server: Server<SocketData>, visit: RequestVisit): Answer | Promise<Answer> => {
    const { place } = visit
    const pathname = handshakePathOf(request)
    if (pathname === undefined) return answerBadRequest()
    const handshake = new SocketHandshake(request, pathname)
    const upgrade = (data: SocketData): Answer => {
      if (server.upgrade(request, { data, headers: headersFor(request) })) return undefined
      return new Response("not a WebSocket handshake (RFC 6455 section 4.2.1)\n", { status: 400 })
    }
    const admission = admissionOf(dialects, handshake, visit)
    if (admission?.kind === "refused") return admission.response
    if (admission?.kind === "user") return upgrade(admission.user)
    const converse = (it: Connection) => openConversation(dialects, it, handshake)
    const connection = new Connection(connections, converse, place, admission?.id)
    connection.clientPort = visit.port
    const verdict = hooks.connect?.(
      request,
      { address: visit.address, dialect: dialectFor(dialects, handshake) },
      connection.receiver as Conversation,
    )
    // Completes the handshake also for one to be refused: only an open socket can be given a close code.
    if (verdict instanceof Promise)
      return places.keepDuring(place, verdict).then((refusal) => upgrade(refusal ?? connection))
    return upgrade(verdict ?? connection)
  }

  const serving: Serving = {
    hostname: options.host,
    reusePort: options.reusePort,
    maxRequestBodySize: BODY_FRAMES * options.maxFrameBytes,
    fetch(request, server) {
      return waitsFor === undefined ? serve(request, server) : waitsFor.then(() => serve(request, server))
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
        const { data } = ws
        const refusal = "code" in data ? data : lateRefusal(data)
        // Bun passes on no message behind a close, so a connection that was never opened hears nothing.
        if (refusal !== undefined) {
          const words = "code" in data ? undefined : (data.receiver as Conversation).wordsFor?.(refusal)
          if (words !== undefined) ws.send(words)
          ws.close(refusal.code, refusal.reason)
        } else if (!("code" in data)) data.onOpen(ws)
      },
      message(ws, message) {
        const user = ws.data as SocketUser
        if (typeof message !== "string") return user.close(CLOSE.binaryFrame)
        if (isLarger(message, user.receiver.maxFrameBytes)) return user.close(CLOSE.tooLarge)
        try {
          user.onMessage(message)
        } catch (cause) {
          // What is thrown out of here would end the process: a bug met by one client must not end the others' calls.
          log.error({ err: cause }, "bug: a message failed")
          user.close(CLOSE.internal)
        }
      },
      pong(ws) {
        if (!("code" in ws.data)) ws.data.onPong()
      },
      ping(ws) {
        if (!("code" in ws.data)) ws.data.onPong()
      },
      drain(ws) {
        connections.memory.onDrain(ws)
      },
      close(ws, code) {
        connections.memory.onGone(ws)
        if (!("code" in ws.data)) ws.data.onClose(code)
      },
    },
  }
  const fetch = safely(serving.fetch, options.tls === undefined ? undefined : options.hstsSeconds)
  const listener = new Listener({ ...serving, fetch }, options.port, options.tls, topics)
  return {
    port: listener.port,
    refuseNew: () => {
      isRefusing = true
    },
    stopListening: () => listener.stopListening(),
    renew: (tls) => listener.renew(tls),
    stop: () => listener.stop(),
  }
}

/** UTF-8 takes three bytes for a UTF-16 unit at most, so most frames need no second look. */
function isLarger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes
}
