// Access tokens: nobody enters a room, or is told of one, without a token that allows it. A plug-in as everybody's could be:
// what it says of members is said by admit().

import type { Claims } from "../access/claims.ts"
import { CLOCK_TOLERANCE_SECONDS, TOKEN_REFUSALS, type TokenRefusal, type VerifyToken } from "../access/tokens.ts"
import { isAmong } from "../rooms/grant.ts"
import type { Closing, Grant, Join, Refusal, Visitor } from "./contract.ts"
import { admit, CONTRACT, closeWith, definePlugin, refuse } from "./define.ts"

/** Begins a token among the sub-protocols of a handshake, where browsers can put one. */
const SUB_PROTOCOL = "token."

/** A JWT: tells a token of ours from what PeerJS or an application calls `token`. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** What a connection has brought: the claims of a good token, or no token. */
type Brought = Claims | "none"

/** Why somebody is refused: there is no token, it is for another room, or it is not good. */
const REASONS = ["none", "room", ...TOKEN_REFUSALS] as const

/** One of them. */
type Reason = (typeof REASONS)[number]

/**
 * The plug-in for tokens.
 * @param verify undefined where no token is asked for
 */
export function tokensPlugin(verify: VerifyToken | undefined, now: () => number = Date.now) {
  return definePlugin<undefined, Brought>({
    name: "tokens",
    contract: CONTRACT,
    timeoutSeconds: 10,
    setup: ({ log }) => {
      const refused = Object.fromEntries(REASONS.map((reason) => [reason, 0])) as Record<Reason, number>
      const metrics = {
        refused_total: {
          help: "Tokens refused, and clients without one where one is asked for, by reason; clients are not told it.",
          label: "reason",
          read: () => refused,
        },
      }
      if (verify === undefined) return { metrics }
      const check = verify
      /** Whoever tries tokens learns nothing of them but that they are not good. */
      const count = (reason: Reason): void => {
        refused[reason]++
        log.debug("refused", { reason })
      }
      const refuseFor = (reason: Reason): Refusal => {
        count(reason)
        return reason === "unavailable" ? refuse(reason) : refuse("unauthorized", "not authorized")
      }

      /** Of a token that came with a handshake or a plain request. */
      async function bring(request: Request, { dialect }: Visitor): Promise<Brought | TokenRefusal> {
        const token = tokenOf(request, dialect)
        return token === undefined ? "none" : await check(token)
      }

      return {
        async connect(request, visitor): Promise<Brought | Closing> {
          const brought = await bring(request, visitor)
          // Only palava can bring it later.
          const mayBeLate = visitor.dialect === undefined || visitor.dialect === "palava"
          if (typeof brought !== "string" || (brought === "none" && mayBeLate)) return brought
          count(brought)
          return brought === "unavailable"
            ? closeWith(1013, "service unavailable, try again")
            : closeWith(4501, "not authorized")
        },
        async join({ connection, dialect, roomId, fields }: Join<Brought>) {
          const given = dialect === "palava" ? fields["token"] : undefined
          const claims =
            given === undefined || given === null
              ? connection.data
              : typeof given === "string"
                ? await check(given)
                : "malformed"
          const reason = refusalOf(claims, roomId, now())
          return reason === undefined ? admit(grantOf(claims as Claims)) : refuseFor(reason)
        },
        async look(request, visitor) {
          const claims = await bring(request, visitor)
          if (typeof claims === "string") return refuseFor(claims)
          return (roomId: string) => refusalOf(claims, roomId, now()) === undefined
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

/** Why the bearer may not be in a room. A token was good when it came, but a connection may last longer than it. */
function refusalOf(brought: Brought | TokenRefusal, roomId: string, now: number): Reason | undefined {
  if (typeof brought === "string") return brought
  if (!isAmong(roomId, brought.rooms)) return "room"
  return endOf(brought.exp) > now ? undefined : "expired"
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
