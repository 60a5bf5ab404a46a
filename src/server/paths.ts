// What a plain HTTP request asks for. Bun makes a request's URL from its Host header as the client sent it, so it may
// be no URL at all.

/** The path of a request; undefined when its Host or path makes no URL. */
export function pathOf(request: Request): string | undefined {
  return URL.parse(request.url)?.pathname
}

/** The answer to a request without a path. */
export function answerBadRequest(): Response {
  return new Response("bad request\n", { status: 400 })
}
