// What a plain HTTP request asks for. Bun makes a request's URL from its Host header as the client sent it, so it may
// be no URL at all; without one (HTTP/1.0, as the health checks of HAProxy speak it), or with one that cannot be a host,
// it is the path alone.

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

/** The answer to a request without a path. */
export function answerBadRequest(): Response {
  return new Response("bad request\n", { status: 400 })
}
