// What a plain HTTP request asks for. Bun makes a request's URL from its Host header as the client sent it, so it may
// be no URL at all; without one (HTTP/1.0, as the health checks of HAProxy speak it), or with one that cannot be a host,
// it is the path alone.

import type { Handshake } from "../dialects/contract.ts"

/** Stands where no Host was given; nobody looks at it. */
const NO_HOST = "http://localhost"

/** The URL of a request; undefined when its Host or path makes none (RFC 9112 section 3.2: 400). */
export function urlOf(request: Request): URL | undefined {
  const hasHost = request.headers.get("host")
  return URL.parse(request.url, hasHost ? undefined : NO_HOST) ?? undefined
}

/** The path of a request; undefined as above. */
export function pathOf(request: Request): string | undefined {
  return urlOf(request)?.pathname
}

/** A URL of nothing unusual, and its path: to parse every one would leave an object behind for each handshake of a storm. */
const PLAIN_URL = /^https?:\/\/[a-z0-9.-]+(?::\d{1,5})?(\/[\w/~-]*)(?:\?|$)/

/** The path of a WebSocket handshake; undefined when its URL is none. */
export function handshakePathOf({ url }: Request): string | undefined {
  return PLAIN_URL.exec(url)?.[1] ?? URL.parse(url)?.pathname
}

/** The answer to a request without a path. */
export function answerBadRequest(): Response {
  return new Response("bad request\n", { status: 400 })
}

/** A handshake whose URL most dialects do not need. */
export class SocketHandshake implements Handshake {
  readonly request: Request
  readonly pathname: string

  constructor(request: Request, pathname: string) {
    this.request = request
    this.pathname = pathname
  }

  get url(): URL {
    return new URL(this.request.url)
  }
}
