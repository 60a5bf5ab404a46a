// The operators' API over HTTP (docs/admin.md): what is asked and ordered, as JSON. Who may ask is decided before, by the
// listener. Orders are POST with a JSON body: no page of another origin can send that without being asked (CORS).

import * as v from "valibot"
import { AdminRefusal, type AllNodes } from "./all-nodes.ts"
import { LEAST_DIGITS, LEVELS, MOST_PEER_ID, NODE_DIGITS, ROOM_DIGITS } from "./local-node.ts"
import { TooManyQuestions } from "./questions.ts"
import type { AdminError } from "./reports.ts"

/** 4 KiB: an order is an id or two. */
const MOST_BODY_BYTES = 4096

/** Answers a request; `by`: who asks, for the log. */
export type AdminRoute = (request: Request, by: string) => Promise<Response>

const NODE = v.optional(
  v.union([v.literal(""), v.pipe(v.string(), v.regex(NODE_DIGITS))], "the first digits of a node's id"),
  "",
)

const BODIES = {
  kick: v.strictObject({ peer: v.pipe(v.string(), v.nonEmpty(), v.maxLength(MOST_PEER_ID)) }),
  closeRoom: v.strictObject({ room: ROOM_DIGITS }),
  node: v.strictObject({ node: NODE }),
  logLevel: v.strictObject({ level: v.picklist(LEVELS), node: NODE }),
}

/** The paths and what answers them. */
export function makeAdminRoutes(nodes: AllNodes): Readonly<Record<string, AdminRoute>> {
  const refuseWorkers: AdminRoute = () =>
    respond(() => Promise.reject(new AdminRefusal(404, "no_workers", "this server has no workers (--workers)")))
  const order = (by: string, node: string, isDraining: boolean) => nodes.order(node, { kind: "drain", isDraining, by })
  return {
    "/api/nodes": question(() => nodes.nodes()),
    "/api/rooms": question(() => nodes.rooms()),
    "/api/room": question((asked) => nodes.room(digitsOf(asked.get("room")))),
    "/api/kick": command(BODIES.kick, ({ peer }, by) => nodes.kick(peer, by)),
    "/api/close-room": command(BODIES.closeRoom, ({ room }, by) => nodes.closeRoom(room, by)),
    "/api/drain": command(BODIES.node, ({ node }, by) => order(by, node, true)),
    "/api/undrain": command(BODIES.node, ({ node }, by) => order(by, node, false)),
    "/api/log-level": command(BODIES.logLevel, ({ level, node }, by) =>
      nodes.order(node, { kind: "logLevel", level, by }),
    ),
    // A supervisor answers these two itself.
    "/api/workers": refuseWorkers,
    "/api/restart-workers": refuseWorkers,
  }
}

function question(answer: (asked: URLSearchParams) => Promise<object>): AdminRoute {
  return (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") return Promise.resolve(refuseMethod("GET, HEAD"))
    return respond(() => answer(new URL(request.url, "http://localhost").searchParams))
  }
}

function command<T>(
  body: v.GenericSchema<unknown, T>,
  carryOut: (order: T, by: string) => Promise<object>,
): AdminRoute {
  return async (request, by) => {
    if (request.method !== "POST") return refuseMethod("POST")
    return respond(async () => carryOut(await readBody(request, body), by))
  }
}

async function readBody<T>(request: Request, schema: v.GenericSchema<unknown, T>): Promise<T> {
  if (!/^application\/json\b/i.test(request.headers.get("content-type") ?? ""))
    throw new AdminRefusal(415, "not_json", "the body must be application/json")
  const length = Number(request.headers.get("content-length") ?? Number.NaN)
  if (!(length <= MOST_BODY_BYTES))
    throw new AdminRefusal(413, "too_large", `the body needs a content-length of ${MOST_BODY_BYTES} bytes at most`)
  let given: unknown
  try {
    given = await request.json()
  } catch {
    throw new AdminRefusal(400, "not_json", "the body is not JSON")
  }
  const { success, output, issues } = v.safeParse(schema, given)
  if (success) return output
  const [{ message }] = issues
  throw new AdminRefusal(400, "bad_request", `${v.getDotPath(issues[0]) ?? "body"}: ${message}`)
}

function digitsOf(room: string | null): string {
  const { success, output } = v.safeParse(ROOM_DIGITS, room)
  if (success) return output
  throw new AdminRefusal(400, "bad_request", `room: the first ${LEAST_DIGITS} to 64 hex digits of its hash`)
}

async function respond(answer: () => Promise<object>): Promise<Response> {
  try {
    return json(await answer(), 200)
  } catch (cause) {
    if (cause instanceof AdminRefusal)
      return json({ error: cause.error, message: cause.message } satisfies AdminError, cause.status)
    if (cause instanceof TooManyQuestions)
      return json({ error: "busy", message: cause.message } satisfies AdminError, 503)
    throw cause
  }
}

function json(body: object, status: number): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", "x-content-type-options": "nosniff" } })
}

function refuseMethod(allow: string): Response {
  const refusal = json({ error: "wrong_method", message: `use ${allow}` } satisfies AdminError, 405)
  refusal.headers.set("allow", allow)
  return refusal
}
