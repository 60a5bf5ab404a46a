// What peers tell each other through the server: written as palava-client writes it, so that its users understand it,
// and read however a browser or palava-client wrote it. What another peer sent is checked here, as anybody can be one.
import type { RelayedEvent } from "./wire.ts"

/** A session description, as `RTCPeerConnection.setRemoteDescription` takes it. */
export interface Description {
  type: "offer" | "answer"
  sdp: string
}

/** An ICE candidate, as `RTCPeerConnection.addIceCandidate` takes it. An empty text ends the candidates. */
export interface Candidate {
  candidate: string
  sdpMid: string | null
  sdpMLineIndex: number | null
}

/** A session description as a browser has it (`localDescription`), or its text alone. */
export type AnyDescription = string | { readonly type: string; readonly sdp?: string }

/** A candidate as a browser has it: the event's `candidate`, or its `toJSON()`. */
export interface AnyCandidate {
  readonly candidate?: string
  readonly sdpMid?: string | null
  readonly sdpMLineIndex?: number | null
}

/** What a page may send to a peer. `message` carries whatever the application likes; palava-client reads its `data`. */
export type PeerMessage =
  | { event: "offer" | "answer"; sdp: AnyDescription }
  | { event: "ice_candidate"; candidate: AnyCandidate }
  | { event: "ice_candidate"; candidate: string; sdpmid?: string | null; sdpmlineindex?: number | null }
  | { event: "message"; data?: unknown; [field: string]: unknown }

/** What a page hears from a peer, in one form whoever wrote it. */
export type ReceivedMessage =
  | { event: "offer" | "answer"; sdp: Description }
  | { event: "ice_candidate"; candidate: Candidate }
  | { event: "message"; data?: unknown; [field: string]: unknown }

/** The `data` of `send_to_peer`. */
export function writeMessage(message: PeerMessage): object {
  switch (message.event) {
    case "offer":
    case "answer":
      return { event: message.event, sdp: { type: message.event, sdp: textOf(message.sdp) } }
    case "ice_candidate": {
      const { candidate, sdpMid, sdpMLineIndex } = candidateOf(message) ?? { candidate: "" }
      return { event: "ice_candidate", candidate, sdpmid: sdpMid, sdpmlineindex: sdpMLineIndex }
    }
    default:
      return message
  }
}

/** What a peer said; undefined when it lacks what it has to have. */
export function readMessage(said: RelayedEvent): ReceivedMessage | undefined {
  const { event } = said
  if (event === "offer" || event === "answer") {
    const sdp = textOf(said["sdp"])
    return sdp === undefined ? undefined : { event, sdp: { type: event, sdp } }
  }
  if (event === "ice_candidate") {
    const candidate = candidateOf(said)
    return candidate && { event, candidate }
  }
  const { sender_id: _, ...message } = said
  return message as ReceivedMessage
}

function textOf(sdp: unknown): string | undefined {
  const text = isObject(sdp) ? sdp["sdp"] : sdp
  return typeof text === "string" ? text : undefined
}

/** Fields beside the text (palava-client, in small letters) or in an object with it (browsers). */
function candidateOf(said: object): Candidate | undefined {
  const flat = said as Record<string, unknown>
  const nested = isObject(flat["candidate"]) ? flat["candidate"] : flat
  const text = nested["candidate"]
  if (typeof text !== "string") return undefined
  const mid = nested["sdpMid"] ?? nested["sdpmid"] ?? flat["sdpMid"] ?? flat["sdpmid"]
  const line = nested["sdpMLineIndex"] ?? nested["sdpmlineindex"] ?? flat["sdpMLineIndex"] ?? flat["sdpmlineindex"]
  return {
    candidate: text,
    sdpMid: typeof mid === "string" ? mid : null,
    sdpMLineIndex: typeof line === "number" ? line : null,
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null
}
