// The operators' listener: health, metrics, API and console, on an address of its own so the public port never shows them.

import { withoutBrackets } from "../access/hosts.ts"
import { type AdminAccess, makeAdminGuard } from "./admin-guard.ts"
import { answerBadRequest, pathOf } from "./paths.ts"
import { safely } from "./safe-headers.ts"

/** A path of the operators' listener and what answers it; `by`: who asks, for the log. */
export type AdminRoutes = Readonly<Record<string, (request: Request, by: string) => Response | Promise<Response>>>

/** Answers whatever is asked, of whoever may ask it; `by` as above. */
export type OperatorAnswer = (request: Request, by: string) => Response | Promise<Response>

/** The running listener. */
export interface Admin {
  readonly port: number
  /** No more connections; those there are stay. */
  stopListening(): void
  stop(): Promise<void>
}

/** Answers by path; elsewhere tells which paths there are. */
export function answerByPath(routes: AdminRoutes): OperatorAnswer {
  return (request, by) => {
    const pathname = pathOf(request) ?? ""
    const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined
    if (route !== undefined) return route(request, by)
    const paths = Object.keys(routes).sort().join("\n")
    return new Response(`there is nothing at ${pathname}; there is\n${paths}\n`, { status: 404 })
  }
}

/**
 * Listens for operators.
 * @param host as URLs write it: an IPv6 address in brackets
 * @throws when the address cannot be listened on
 */
export function listenForOperators(
  host: string,
  port: number,
  answer: OperatorAnswer,
  access: AdminAccess,
  reusePort: boolean,
): Admin {
  const guard = makeAdminGuard(access)
  const server = Bun.serve({
    hostname: withoutBrackets(host),
    port,
    reusePort,
    fetch: safely((request: Request, server: Bun.Server<undefined>) => {
      const pathname = pathOf(request)
      if (pathname === undefined) return answerBadRequest()
      const refusal = guard(request, pathname)
      if (refusal !== undefined) return refusal
      const address = server.requestIP(request)?.address ?? "nobody"
      return answer(request, access.token() === undefined ? address : `${address}, with the token`)
    }),
  })
  return {
    port: server.port ?? port,
    stopListening: () => void server.stop(),
    stop: () => server.stop(true),
  }
}
