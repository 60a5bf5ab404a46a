// Access tokens: nobody enters a room, or is told of one, without a token that allows it. A plug-in as everybody's could be:
// what it says of members is said by admit().

import type { Claims } from "../access/claims.ts"
import { CLOCK_TOLERANCE_SECONDS, type TokenRefusal, type VerifyToken } from "../access/tokens.ts"
import { isAmong } from "../rooms/grant.ts"
import type { Closing, Grant, Join, Refusal, Visitor } from "./contract.ts"
import { admit, CONTRACT, closeWith, definePlugin, refuse } from "./define.ts"

/** Begins a token among the sub-protocols of a handshake, where browsers can put one. */
const SUB_PROTOCOL = "token."

/** A JWT: tells a token of ours from what PeerJS or an application calls `token`. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** What a connection has brought: the claims of a good token, nothing, or a token of which nobody can tell just now. */
type Brought = Claims | "nothing" | "unavailable"

/**
 * The plug-in for tokens.
 * @param verify undefined where no token is asked for
 */
export function tokensPlugin(verify: VerifyToken | undefined, now: () => number = Date.now) {
  return definePlugin<undefined, Brought>({
    name: "tokens",
    contract: CONTRACT,
    timeoutSeconds: 10,
    setup: () => {
      const refused = { unauthorized: 0, unavailable: 0 }
      const metrics = {
        refused_total: {
          help: "Tokens refused, and clients without one where one is asked for, by what was answered.",
          label: "error",
          read: () => refused,
        },
      }
      if (verify === undefined) return { metrics }
      const check = verify
      const count = <T>(error: TokenRefusal, answer: T): T => {
        refused[error]++
        return answer
      }

      /** Of a token that came with a handshake or a plain request. */
      async function bring(request: Request, { dialect }: Visitor): Promise<Brought | "unauthorized"> {
        const token = tokenOf(request, dialect)
        return token === undefined ? "nothing" : await check(token)
      }

      return {
        async connect(request, visitor): Promise<Brought | Closing> {
          const brought = await bring(request, visitor)
          if (brought === "unavailable") return count(brought, closeWith(1013, "service unavailable, try again"))
          if (brought === "unauthorized") return count(brought, closeWith(4501, "not authorized"))
          // Only palava can bring it later.
          const isLate = visitor.dialect === undefined || visitor.dialect === "palava"
          return brought === "nothing" && !isLate ? count("unauthorized", closeWith(4501, "not authorized")) : brought
        },
        async join({ connection, dialect, roomId, fields }: Join<Brought>) {
          const given = dialect === "palava" ? fields["token"] : undefined
          const claims =
            given === undefined || given === null
              ? connection.data
              : typeof given === "string"
                ? await check(given)
                : "unauthorized"
          if (claims === "unavailable") return count(claims, refuse("unavailable"))
          if (typeof claims === "string" || !allows(claims, roomId, now())) return count("unauthorized", refuseToken())
          return admit(grantOf(claims))
        },
        async look(request, visitor) {
          const claims = await bring(request, visitor)
          if (claims === "unavailable") return count(claims, refuse("unavailable"))
          if (typeof claims === "string") return count("unauthorized", refuseToken())
          return (roomId: string) => allows(claims, roomId, now())
        },
        metrics,
      }
    },
  })
}

/**
 * The token in a request: `access_token` in its query; for palava `token` there, or a sub-protocol, too. Undefined when
 * there is none. An empty one is one, so that a mistake is found.
 */
function tokenOf(request: Request, dialect: string | undefined): string | undefined {
  const query = URL.parse(request.url)?.searchParams
  const named = query?.get("access_token") ?? undefined
  if (named !== undefined || (dialect !== undefined && dialect !== "palava")) return named
  const offered = request.headers.get("sec-websocket-protocol")?.split(",") ?? []
  const byProtocol = offered.map((name) => name.trim()).find((name) => name.startsWith(SUB_PROTOCOL))
  if (byProtocol !== undefined) return byProtocol.slice(SUB_PROTOCOL.length)
  const plain = query?.get("token") ?? undefined
  return plain !== undefined && JWT.test(plain) ? plain : undefined
}

/** It was good when it came, but a connection may last longer than its token. */
function allows({ rooms, exp }: Claims, roomId: string, now: number): boolean {
  return isAmong(roomId, rooms) && endOf(exp) > now
}

function grantOf({ rooms, exp, sub, name, peers, can }: Claims): Grant {
  return {
    until: endOf(exp),
    // An id of PeerJS is a room of its own: to send there is to be allowed there.
    reach: rooms,
    ...(sub === undefined ? {} : { identity: sub }),
    ...(name === undefined ? {} : { status: { name } }),
    ...(peers === undefined ? {} : { peers }),
    ...(can === undefined ? {} : { can }),
  }
}

function endOf(exp: number): number {
  return (exp + CLOCK_TOLERANCE_SECONDS) * 1000
}

function refuseToken(): Refusal {
  return refuse("unauthorized", "not authorized")
}
