// Polling where this node is alone: each client that polls is a connection with a session (session.ts) until it goes on
// over a WebSocket.

import type { Clock } from "../../clock.ts"
import { CLOSE } from "../../connections/close.ts"
import type { Connection } from "../../connections/connection.ts"
import type { PlainTopics } from "../../connections/socket.ts"
import type { Admission, Visit } from "../contract.ts"
import type { Conversation } from "../conversation.ts"
import { answerOk, answerPackets, type EngineError, refuse } from "./answers.ts"
import { opened, type PingTimes } from "./packets.ts"
import { decodeText } from "./payload.ts"
import { MOST_POLLING, type Polling, type PollingRequest } from "./polling.ts"
import { PollingSession } from "./session.ts"
import { Upgrade } from "./upgrade.ts"

/** 16 frames: a client POSTs all it has to say in one body, and a call's start is a burst. */
const BODY_FRAMES = 16

/** What sessions work with. */
export interface SessionsParts {
  readonly clock: Clock
  readonly topics: PlainTopics
  readonly maxFrameBytes: number
  readonly times: PingTimes
  /** Makes what is spoken over a session; `onEnd` is called when its connection is gone. */
  readonly converse: (connection: Connection, onEnd: () => void) => Conversation
}

/** See the head of this file. */
export class Sessions implements Polling {
  readonly #parts: SessionsParts
  /** By id; those over a WebSocket too, so that their polling is refused. */
  readonly #sessions = new Map<string, PollingSession>()
  #polling = 0

  constructor(parts: SessionsParts) {
    this.#parts = parts
  }

  async begin({ request, visit, isText }: PollingRequest): Promise<Response> {
    const refusal = visit.refusal()
    if (refusal !== undefined) return refusal
    if (this.#polling >= MOST_POLLING) return refuse(request, "forbidden", 503)
    const { clock, topics, converse, times } = this.#parts
    const session = new PollingSession(visit.visitor, topics, clock)
    this.#polling++
    const converseOver = (connection: Connection): Conversation => {
      session.use(connection)
      return converse(connection, () => this.#remove(connection.id, session))
    }
    const close = await visit.open("simplewebrtc", converseOver, session)
    if (close !== undefined) {
      this.#polling--
      return refuse(request, "forbidden", close.code === CLOSE.serverFull.code ? 503 : 403)
    }
    const { id } = session.connection
    this.#sessions.set(id, session)
    return answerPackets(request, [opened(id, ["websocket"], times)], isText)
  }

  poll(sid: string, { request, visit, isText }: PollingRequest): Response | Promise<Response> {
    const session = this.#find(sid, visit)
    if (typeof session === "string") return refuse(request, session)
    visit.hold()
    return session.poll(request, isText)
  }

  async post(sid: string, { request, visit }: PollingRequest): Promise<Response> {
    const session = this.#find(sid, visit)
    if (typeof session === "string") return refuse(request, session)
    if (session.isPosting) return refuse(request, "badRequest", 500)
    session.isPosting = true
    const body = await readBody(request, BODY_FRAMES * this.#parts.maxFrameBytes, (bytes) => session.keep(bytes))
    session.isPosting = false
    session.keep(0)
    const packets = body === undefined ? undefined : decodeText(body)
    const isTooLarge =
      packets?.some((packet) => Buffer.byteLength(packet) > this.#parts.maxFrameBytes) ?? body === undefined
    if (isTooLarge) {
      session.close(CLOSE.tooLarge.code, CLOSE.tooLarge.reason)
      return refuse(request, "badRequest", 413)
    }
    if (packets === undefined) return refuse(request, "badRequest")
    if (session.isUpgraded) return refuse(request, "badRequest")
    for (const packet of packets) if (!session.isClosed) session.connection.onMessage(packet)
    return answerOk(request)
  }

  upgrade(sid: string, request: Request, visit: Pick<Visit, "visitor" | "port">): Admission {
    const session = this.#find(sid, visit)
    if (typeof session === "string") return { kind: "refused", response: refuse(request, session) }
    return { kind: "user", user: new Upgrade(session, this.#parts.clock, visit.port, () => this.#polling--) }
  }

  #find(sid: string, visit: Pick<Visit, "visitor">): PollingSession | EngineError {
    const session = this.#sessions.get(sid)
    if (session === undefined || session.isClosed || session.visitor !== visit.visitor) {
      return "sessionUnknown"
    }
    return session.isUpgraded ? "badRequest" : session
  }

  #remove(id: string, session: PollingSession): void {
    if (!this.#sessions.delete(id)) return
    if (!session.isUpgraded) this.#polling--
    session.end()
  }
}

/** The body; undefined when it is longer than `most` bytes, or breaks off. `onBytes` is told how much has come so far. */
async function readBody(
  request: Request,
  most: number,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array | undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > most) return undefined
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.length
      if (length > most) return undefined
      chunks.push(chunk)
      onBytes(length)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}
