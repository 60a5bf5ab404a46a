// Who is answered at the operators' listener. A page anywhere in the world can make a browser on this machine ask it,
// under a name that suddenly leads here (DNS rebinding) or by a form: so it answers only to its own names, and to no
// page of another origin. And it may ask for a token.

import { createHash, timingSafeEqual } from "node:crypto"
import { isIP } from "node:net"
import { hostname } from "node:os"
import { withoutBrackets } from "../access/hosts.ts"

/** Whom the operators' listener answers. */
export interface AdminAccess {
  /** Names it answers to besides addresses, localhost and this machine's own. */
  readonly names: readonly string[]
  /** What a request has to bring; undefined: nothing. Asked at each request, so that a new one is used at once. */
  readonly token: () => string | undefined
}

/** For probes and load balancers, which have no token and come by any name: they say no more than the public port does. */
const OPEN_PATHS: ReadonlySet<string> = new Set(["/healthz", "/readyz"])

/** A Host header or an origin's host: a name or an address, and perhaps a port. */
const HOST = /^(\[[^\]]+\]|[^:]*)(?::\d+)?$/

/** Finds why a request is not to be answered; undefined when it is. */
export function makeAdminGuard({
  names,
  token,
}: AdminAccess): (request: Request, path: string) => Response | undefined {
  const own = new Set(["localhost", hostname(), ...names].map((name) => name.toLowerCase()))
  return (request, path) => {
    if (OPEN_PATHS.has(path)) return undefined
    const host = request.headers.get("host") ?? ""
    const name = HOST.exec(host)?.[1]?.toLowerCase()
    if (name === undefined || !(name === "" || own.has(name) || isAddress(name)))
      return new Response("this listener does not answer to that name: --admin-host adds one\n", { status: 421 })
    const origin = request.headers.get("origin")
    if (origin !== null && URL.parse(origin)?.host !== URL.parse(`http://${host}`)?.host)
      return new Response("pages of other origins are not answered here\n", { status: 403 })
    const wanted = token()
    if (wanted === undefined || isSame(tokenIn(request.headers.get("authorization") ?? ""), wanted)) return undefined
    return new Response("this listener wants its token (--admin-token-file)\n", {
      status: 401,
      headers: {
        "www-authenticate": 'Basic realm="palava-machine: the token is the password", Bearer realm="palava-machine"',
      },
    })
  }
}

/** No name leads a browser to an address but the address itself. */
function isAddress(name: string): boolean {
  return isIP(withoutBrackets(name)) !== 0
}

/** `Bearer TOKEN` of programs (RFC 6750), or the password browsers ask for (RFC 7617; any user). */
function tokenIn(authorization: string): string {
  const [, scheme = "", value = ""] = /^(\w+) +(\S+)$/.exec(authorization) ?? []
  if (scheme.toLowerCase() === "bearer") return value
  if (scheme.toLowerCase() !== "basic") return ""
  const login = Buffer.from(value, "base64").toString()
  return login.slice(login.indexOf(":") + 1)
}

/** In a time that tells nothing of how much of it is right. */
function isSame(given: string, wanted: string): boolean {
  const [one, other] = [given, wanted].map((text) => createHash("sha256").update(text).digest())
  return one !== undefined && other !== undefined && timingSafeEqual(one, other)
}
