// What the TogetherJS hub answers to plain HTTP requests, for pages of any origin.

import type { Visit } from "../contract.ts"
import type { Hooks, MayKnow } from "../hooks.ts"
import { mayKnow } from "../look.ts"
import type { TogetherRooms } from "./rooms.ts"

/** Any page may ask, as the hub's clients are embedded in any. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, HEAD, OPTIONS",
  "access-control-allow-headers": "*",
}

/** Between the prefix of a room that /findroom made and what makes it unique. */
const SEPARATOR = "__"

/** 10 letters and digits, 59 bits: two nodes that make a name for one prefix at once do not make the same. */
const UNIQUE_CHARACTERS = 10
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/** 200 characters: what a prefix may add to the name of a room. */
const PREFIX_CHARACTERS = 200

const SOURCE = "This hub is palava-machine, an implementation of its own: none of TogetherJS's hub is in it.\n"

/** What is counted at this node. */
export interface HubState {
  readonly rooms: TogetherRooms
  readonly hooks: Hooks
  readonly connections: () => number
}

/** Answers one of the hub's paths; undefined for others. */
export function answerHub(
  state: HubState,
  request: Request,
  url: URL,
  visit: Pick<Visit, "address">,
): Response | Promise<Response> | undefined {
  const find = Object.hasOwn(PATHS, url.pathname) ? PATHS[url.pathname] : undefined
  if (find === undefined) return undefined
  if (request.method === "OPTIONS") return new Response(null, { headers: CORS })
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("use GET\n", { status: 405, headers: { ...CORS, allow: "GET, HEAD, OPTIONS" } })
  }
  if (!OF_ROOMS.has(url.pathname)) return find(state, url.searchParams, () => true)
  return mayKnow(state.hooks, request, visit, "togetherjs").then((known) =>
    typeof known === "function" ? find(state, url.searchParams, known) : text(known.text, known.status),
  )
}

/** Those that tell of rooms. */
const OF_ROOMS: ReadonlySet<string> = new Set(["/findroom", "/load"])

const PATHS: Readonly<Record<string, (state: HubState, query: URLSearchParams, known: MayKnow) => Response>> = {
  "/findroom": ({ rooms }, query, known) => findRoom(rooms, query, known),
  "/load": ({ rooms, connections }) => {
    const { all, single, active } = rooms.count()
    return text(
      `OK ${connections()} connections ${all} sessions; ${single} are single-user and ${active} active sessions`,
    )
  },
  "/status": () => text("OK"),
  "/server-source": () => text(SOURCE),
}

function findRoom(rooms: TogetherRooms, query: URLSearchParams, known: MayKnow): Response {
  const prefix = query.get("prefix") ?? ""
  const max = Number.parseInt(query.get("max") ?? "", 10)
  if (prefix === "" || !(max >= 1)) {
    return text("You must include a valid prefix=CHARS&max=NUM portion of the URL", 400)
  }
  if (!/^[a-zA-Z0-9]+$/.test(prefix) || prefix.length > PREFIX_CHARACTERS) {
    return text(`Invalid prefix: letters and digits only, at most ${PREFIX_CHARACTERS}`, 400)
  }
  const beginning = prefix + SEPARATOR
  const name = rooms.findEmptiest(beginning, max, known) ?? beginning + makeUnique()
  if (!known(name)) return text("not authorized", 401)
  return new Response(JSON.stringify({ name }), { headers: { ...CORS, "content-type": "application/json" } })
}

function makeUnique(): string {
  const bytes = crypto.getRandomValues(new Uint32Array(UNIQUE_CHARACTERS))
  return Array.from(bytes, (number) => LETTERS[number % LETTERS.length]).join("")
}

function text(body: string, status = 200): Response {
  return new Response(body, { status, headers: { ...CORS, "content-type": "text/plain; charset=utf-8" } })
}
