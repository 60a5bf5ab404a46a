// Pages embedded in the executable, each one self-contained HTML text. They are sent with a policy that lets nothing
// run but what they were built with.

import { createHash } from "node:crypto"

/**
 * Answers GET and HEAD with the page; builds headers, tag and the compressed body once.
 * @param policy the Content-Security-Policy the page was built with
 */
export function pageRoute(html: string, policy: string): (request: Request) => Response {
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    etag: `"${createHash("sha256").update(html).digest("base64url").slice(0, 22)}"`,
    vary: "accept-encoding",
    "content-security-policy": policy.trim(),
    "permissions-policy": "camera=(self), microphone=(self), display-capture=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  }
  const compressed = Bun.gzipSync(Buffer.from(html), { level: 9 })
  return (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("use GET\n", { status: 405, headers: { allow: "GET, HEAD" } })
    }
    if (request.headers.get("if-none-match") === headers.etag) return new Response(null, { status: 304, headers })
    const canGzip = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "")
    if (request.method === "HEAD") return new Response(null, { headers })
    return canGzip
      ? new Response(compressed, { headers: { ...headers, "content-encoding": "gzip" } })
      : new Response(html, { headers })
  }
}
