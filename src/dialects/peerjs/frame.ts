// What PeerJS clients send and hear, as text. The short way through a frame that is passed on proves that it is JSON, and
// finds its `dst` and the text of its `payload`, without building an object; everything unusual goes the slow way, which
// writes the payload anew. `src` is always ours: no key of the sender's reaches the other side but inside the payload.

import { FRAME_LEVELS, isDeeperThan, readObject } from "../json.ts"
import { isPlainText, skipPlainObject, sliceAs } from "../plain-json.ts"

/** The messages that are passed on. Those that are not important are never kept for who is not there. */
export const PASSED: Readonly<Record<string, { readonly isImportant: boolean }>> = {
  OFFER: { isImportant: true },
  ANSWER: { isImportant: true },
  CANDIDATE: { isImportant: true },
  LEAVE: { isImportant: false },
  EXPIRE: { isImportant: false },
}

/** A message of a client. Made once and used for every frame: the hot path allocates nothing but strings. */
export interface Frame {
  /** A key of PASSED, or HEARTBEAT. */
  type: string
  /** Empty when there is none. */
  dst: string
  /** The payload as JSON; undefined when there is none. */
  payload: string | undefined
}

/** What the short way is for: three times as quick as startsWith. */
const HEAD = /^\{"type":"(?:OFFER|ANSWER|CANDIDATE)","(?:payload":\{|dst":")/

const TYPE_AT = '{"type":"'.length
const PAYLOAD = '"payload":'
const DST = '"dst":"'
const CLOSING_BRACE = 0x7d

/** By the first letter of a type that HEAD has found. */
const TYPES: Readonly<Record<string, string>> = { O: "OFFER", A: "ANSWER", C: "CANDIDATE" }

/**
 * Reads a frame into `out`.
 * @returns the name of the error, when it is none that a client may send
 */
export function decodeFrame(text: string, out: Frame): "invalid_message" | "unknown_type" | undefined {
  if (HEAD.test(text) && decodePlain(text, out)) return undefined
  const message = readObject(text)
  if (message === undefined) return "invalid_message"
  const { type, dst, payload } = message
  if (typeof type !== "string" || !(Object.hasOwn(PASSED, type) || type === "HEARTBEAT")) return "unknown_type"
  if (type !== "LEAVE" && type !== "HEARTBEAT" && (typeof dst !== "string" || dst === "")) return "invalid_message"
  if (isDeeperThan(message, FRAME_LEVELS)) return "invalid_message"
  out.type = type
  out.dst = typeof dst === "string" ? dst : ""
  out.payload = JSON.stringify(payload)
  return undefined
}

/** The frame as the client of PeerJS writes it, `dst` last, or with `dst` before the payload. */
function decodePlain(text: string, out: Frame): boolean {
  if (!isPlainText(text)) return false
  const type = TYPES[text.charAt(TYPE_AT)] as string
  const at = TYPE_AT + type.length + '",'.length
  if (text.startsWith(PAYLOAD, at)) {
    const payloadAt = at + PAYLOAD.length
    const end = skipPlainObject(text, payloadAt)
    if (end < 0 || !text.startsWith(`,${DST}`, end)) return false
    const dstAt = end + DST.length + 1
    const dstEnd = text.length - '"}'.length
    if (dstEnd <= dstAt || text.indexOf('"', dstAt) !== dstEnd || text.charCodeAt(dstEnd + 1) !== CLOSING_BRACE) {
      return false
    }
    out.dst = sliceAs(text, dstAt, dstEnd, out.dst)
    out.payload = text.slice(payloadAt, end)
  } else {
    const dstAt = at + DST.length
    const dstEnd = text.indexOf('"', dstAt)
    if (dstEnd <= dstAt || !text.startsWith(`,${PAYLOAD}`, dstEnd + 1)) return false
    const payloadAt = dstEnd + 1 + PAYLOAD.length + 1
    const end = skipPlainObject(text, payloadAt)
    if (end !== text.length - 1 || text.charCodeAt(end) !== CLOSING_BRACE) return false
    out.dst = sliceAs(text, dstAt, dstEnd, out.dst)
    out.payload = text.slice(payloadAt, end)
  }
  if (out.dst.includes("\\")) return false
  out.type = type
  return true
}

// The last head of a message, and what it is made of: messages come in bursts, of one client to another.
let [lastType, lastSrc, lastDst, lastHead] = ["", "", "", ""]

/** A message that is passed on. */
export function passed(type: string, src: string, dst: string, payload: string | undefined): string {
  if (type !== lastType || dst !== lastDst || src !== lastSrc) {
    lastHead = `{"type":"${type}","src":${toJson(src)},"dst":${toJson(dst)},"payload":`
    lastType = type
    lastSrc = src
    lastDst = dst
  }
  return payload === undefined ? `${lastHead.slice(0, -PAYLOAD.length - 1)}}` : `${lastHead}${payload}}`
}

/** The peer `src` is not there. */
export function expire(src: string, dst: string): string {
  return `{"type":"EXPIRE","src":${toJson(src)},"dst":${toJson(dst)}}`
}

/** The client has its id. */
export const OPEN = '{"type":"OPEN"}'

/** Somebody else has it. */
export const ID_TAKEN = '{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}'

/** Why a client is parted from, in the original's words where it has some. */
export const ERRORS = {
  invalid_key: "Invalid key provided",
  missing_parameters: "No id, token, or key supplied to websocket server",
  server_full: "Server has reached its concurrent user limit",
  id_too_long: "Invalid id or token provided: too long",
  unauthorized: "Not authorized",
  rate_limited: "Too much from your address, try again",
  unavailable: "Service unavailable, try again",
  internal: "Internal error",
} as const

/** An error, after which the connection is closed. */
export function error(msg: string): string {
  return JSON.stringify({ type: "ERROR", payload: { msg } })
}

/** What needs no escape in JSON. */
const PLAIN_ID = /^[\w\- .]*$/

function toJson(id: string): string {
  return PLAIN_ID.test(id) ? `"${id}"` : JSON.stringify(id)
}
