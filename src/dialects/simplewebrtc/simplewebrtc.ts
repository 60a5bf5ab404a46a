// The dialect of SimpleWebRTC's clients, whose server was signalmaster: Socket.IO 1 over Engine.IO 3, by WebSocket or by
// polling, at `/socket.io/`. No namespaces, no binary packets, no JSONP.

import type { Dialect, DialectParts } from "../contract.ts"
import { DialectCounters } from "../counters.ts"
import { answerPreflight, type EngineError, refuse } from "./answers.ts"
import type { SimpleWebRtcParts } from "./client.ts"
import { type Beginning, SimpleWebRtcConversation } from "./conversation.ts"
import { pingTimes } from "./packets.ts"
import { Passage } from "./passage.ts"
import type { Polling } from "./polling.ts"
import { Sessions } from "./sessions.ts"

const PATH = "/socket.io/"

/** The protocol's version, as its clients say it in each request. */
const ENGINE_VERSION = "3"

/** Makes the dialect. */
export function makeSimpleWebRtc(parts: DialectParts): Dialect {
  const { clock, topics, limits } = parts
  const counters = new DialectCounters("message")
  const times = pingTimes(limits)
  const shared: SimpleWebRtcParts = { ...parts, commands: parts.rooms.commands, counters, times }
  const polling: Polling = parts.isClustered
    ? new Passage(clock, times)
    : new Sessions({
        clock,
        topics,
        times,
        maxFrameBytes: limits.maxFrameBytes,
        converse: (connection, onEnd) => new SimpleWebRtcConversation(connection, shared, "session", onEnd),
      })
  return {
    name: "simplewebrtc",
    counters,
    maxFrameBytes: limits.maxFrameBytes,
    recognises: isOurs,
    open(connection, { url }) {
      const beginning: Beginning = url.searchParams.has("sid") ? "probe" : "websocket"
      return new SimpleWebRtcConversation(connection, shared, beginning)
    },
    admit(handshake, visit) {
      if (!isOurs(handshake)) return undefined
      const { request, url } = handshake
      const error = errorOf(url, "websocket")
      if (error !== undefined) return { kind: "refused", response: refuse(request, error) }
      const sid = url.searchParams.get("sid")
      return sid === null ? undefined : polling.upgrade(sid, request, visit)
    },
    answer(request, url, visit) {
      if (!isOurs(url)) return undefined
      if (request.method === "OPTIONS") return answerPreflight(request)
      const error = errorOf(url, "polling")
      if (error !== undefined) return refuse(request, error)
      const sid = url.searchParams.get("sid")
      const asked = { request, visit, isText: url.searchParams.has("b64") }
      if (sid === null) return request.method === "GET" ? polling.begin(asked) : refuse(request, "badMethod")
      if (request.method === "GET") return polling.poll(sid, asked)
      return request.method === "POST" ? polling.post(sid, asked) : refuse(request, "badRequest")
    },
  }
}

function isOurs({ pathname }: { readonly pathname: string }): boolean {
  return pathname.startsWith(PATH)
}

/** What is wrong with a request that should be of this transport. */
function errorOf({ searchParams }: URL, wanted: "polling" | "websocket"): EngineError | undefined {
  const transport = searchParams.get("transport")
  if (transport !== "polling" && transport !== "websocket") return "transportUnknown"
  if (searchParams.get("EIO") !== ENGINE_VERSION) return "badVersion"
  return transport === wanted ? undefined : "badRequest"
}
