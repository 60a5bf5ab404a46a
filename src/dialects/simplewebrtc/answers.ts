// What SimpleWebRTC clients get over plain HTTP. Their requests carry credentials, so every answer, errors too, names the
// origin it is for: browsers refuse a star then.

import { encodeBinary, encodeText } from "./payload.ts"

/** Errors of Engine.IO, by the letter: clients and their logs know them. */
const ERRORS = {
  transportUnknown: { code: 0, message: "Transport unknown" },
  sessionUnknown: { code: 1, message: "Session ID unknown" },
  badMethod: { code: 2, message: "Bad handshake method" },
  badRequest: { code: 3, message: "Bad request" },
  forbidden: { code: 4, message: "Forbidden" },
  badVersion: { code: 5, message: "Unsupported protocol version" },
} as const

/** One of them. */
export type EngineError = keyof typeof ERRORS

/** Refuses a request; 400, unless a later version of the protocol has another status for it. */
export function refuse(request: Request, error: EngineError, status = 400): Response {
  return answer(request, JSON.stringify(ERRORS[error]), "application/json", status)
}

/** The packets a GET asks for, as text where the client reads no bytes. */
export function answerPackets(request: Request, packets: readonly string[], isText: boolean): Response {
  if (isText) return answer(request, encodeText(packets), "text/plain; charset=UTF-8")
  return answer(request, encodeBinary(packets), "application/octet-stream")
}

/** A POST was taken. */
export function answerOk(request: Request): Response {
  return answer(request, "ok", "text/html")
}

/** Which headers a page may send. */
export function answerPreflight(request: Request): Response {
  const response = answer(request, "", "text/html")
  response.headers.set("access-control-allow-headers", "Content-Type")
  response.headers.set("access-control-allow-methods", "GET, POST")
  return response
}

function answer(request: Request, body: string | Uint8Array<ArrayBuffer>, contentType: string, status = 200): Response {
  const headers = new Headers({ "content-type": contentType, "cache-control": "no-store" })
  const origin = request.headers.get("origin")
  headers.set("access-control-allow-origin", origin ?? "*")
  if (origin !== null) {
    headers.set("access-control-allow-credentials", "true")
    headers.set("vary", "origin")
  }
  return new Response(body, { status, headers })
}
