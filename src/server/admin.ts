// The operators' listener: metrics and health, on an address of its own so the public port never shows them.

import { type AdminAccess, makeAdminGuard } from "./admin-guard.ts"
import { answerBadRequest, pathOf } from "./paths.ts"
import { safely } from "./safe-headers.ts"

/** A path of the operators' listener and what answers it. */
export type AdminRoutes = Readonly<Record<string, (request: Request) => Response | Promise<Response>>>

/** The running listener. */
export interface Admin {
  readonly port: number
  stop(): Promise<void>
}

/**
 * Listens for operators.
 * @param host as URLs write it: an IPv6 address in brackets
 * @throws when the address cannot be listened on
 */
export function listenForOperators(host: string, port: number, routes: AdminRoutes, access: AdminAccess): Admin {
  const guard = makeAdminGuard(access)
  const server = Bun.serve({
    hostname: host.replace(/^\[|\]$/g, ""),
    port,
    fetch: safely((request: Request) => {
      const pathname = pathOf(request)
      if (pathname === undefined) return answerBadRequest()
      const refusal = guard(request, pathname)
      if (refusal !== undefined) return refusal
      const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined
      if (route !== undefined) return route(request)
      const paths = Object.keys(routes).sort().join("\n")
      return new Response(`there is nothing at ${pathname}; there is\n${paths}\n`, { status: 404 })
    }),
  })
  return { port: server.port ?? port, stop: () => server.stop(true) }
}
