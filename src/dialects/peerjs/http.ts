// The two addresses of PeerJS's HTTP API, under any prefix: `{path}{key}/id` and `{path}{key}/peers`. Pages of any origin
// may ask.

import { makePeerId } from "../../rooms/ids.ts"
import type { Visit } from "../contract.ts"
import type { Hooks } from "../hooks.ts"
import { mayKnow } from "../look.ts"

/** What it answers by. */
export interface HttpParts {
  readonly key: string
  readonly hooks: Hooks
  /** The ids of all peers; undefined when they are nobody's business. */
  readonly listPeers: (() => Promise<readonly string[]>) | undefined
}

const CORS = { "access-control-allow-origin": "*" }

const TEXT = "text/plain; charset=utf-8"

const PREFLIGHT = {
  ...CORS,
  "access-control-allow-methods": "GET, HEAD, OPTIONS",
  "access-control-allow-headers": "*",
  // 600 s: what browsers take at most, or near to it.
  "access-control-max-age": "600",
}

/** Answers a request that is for this API; undefined for all others. */
export function answerHttp(
  { key, hooks, listPeers }: HttpParts,
  request: Request,
  { pathname }: URL,
  visit: Pick<Visit, "address">,
): Response | Promise<Response> | undefined {
  const [what, itsKey] = pathname.split("/").reverse()
  if (itsKey !== key || (what !== "id" && what !== "peers")) return undefined
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: PREFLIGHT })
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("use GET\n", { status: 405, headers: { ...CORS, allow: "GET, HEAD, OPTIONS" } })
  }
  // A new one each time, and the list is of this moment: neither is for a cache.
  const headers = { ...CORS, "cache-control": "no-store" }
  if (what === "id") {
    return new Response(makePeerId(), { headers: { ...headers, "content-type": "text/html; charset=utf-8" } })
  }
  if (listPeers === undefined) {
    return new Response("Unauthorized", { status: 401, headers: { ...headers, "content-type": TEXT } })
  }
  return mayKnow(hooks, request, visit, "peerjs").then(async (known) => {
    if (typeof known !== "function") return new Response(`${known.text}\n`, { status: known.status, headers })
    return listPeers().then(
      (ids) => Response.json(ids.filter(known), { headers }),
      () => new Response("service unavailable, try again\n", { status: 503, headers }),
    )
  })
}
