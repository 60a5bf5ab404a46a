// Texts embedded in the executable, served as files would be: with a tag, so that a browser asks again only whether they
// have changed, and compressed.

import { createHash } from "node:crypto"

/** Answers GET and HEAD with the text; builds headers, tag and the compressed body once. */
export function textRoute(
  text: string,
  extraHeaders: Readonly<Record<string, string>>,
): (request: Request) => Response {
  const headers = {
    ...extraHeaders,
    "cache-control": "no-cache",
    etag: `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`,
    vary: "accept-encoding",
  }
  const compressed = Bun.gzipSync(Buffer.from(text), { level: 9 })
  return (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("use GET\n", { status: 405, headers: { allow: "GET, HEAD" } })
    }
    if (request.headers.get("if-none-match") === headers.etag) return new Response(null, { status: 304, headers })
    const canGzip = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "")
    if (request.method === "HEAD") return new Response(null, { headers })
    return canGzip
      ? new Response(compressed, { headers: { ...headers, "content-encoding": "gzip" } })
      : new Response(text, { headers })
  }
}
