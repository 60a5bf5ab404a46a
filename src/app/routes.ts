// What plain HTTP requests get: health, the pages, what dialects and plug-ins answer; and, for operators, the metrics.

import type { Dialect, Visit } from "../dialects/contract.ts"
import type { PluginHost } from "../plugins/host.ts"
import type { AdminRoutes } from "../server/admin.ts"
import { pageRoute } from "../server/pages.ts"
import { answerBadRequest, urlOf } from "../server/paths.ts"
import { scriptRoutes } from "../server/scripts.ts"
import type { Metrics } from "../telemetry/registry.ts"

/** One HTML text, and its Content-Security-Policy. */
export interface Page {
  readonly html: string
  readonly policy: string
}

/** What /readyz says of a node. */
export interface Readiness {
  /** The node as other nodes and the log name it. */
  readonly node: string
  readonly version: string
  /** Why it is not ready for clients, worst first; none when it is. */
  readonly reasons: readonly string[]
  /** Where its rooms are kept, and whether that can be used now. */
  readonly store: { readonly kind: "memory" | "redis"; readonly state: "up" | "away" }
}

/** What routes are made of. */
export interface RouteParts {
  readonly readiness: () => Readiness
  readonly dialects: readonly Dialect[]
  readonly plugins: PluginHost
  readonly metrics: Metrics
  /** For operators. */
  readonly admin: AdminRoutes
  readonly consolePage: Page
  /** The demo call; undefined when it is switched off, and the client's scripts with it. */
  readonly callPage: Page | undefined
}

/** What is answered whoever asks. */
type PlainRoutes = Readonly<Record<string, (request: Request) => Response | Promise<Response>>>

/** The answers of both listeners. */
export interface Routes {
  readonly public: (request: Request, visit: Visit) => Response | Promise<Response>
  readonly admin: AdminRoutes
}

/** Makes them. */
export function makeRoutes({
  readiness,
  dialects,
  plugins,
  metrics,
  admin,
  consolePage,
  callPage,
}: RouteParts): Routes {
  const health: PlainRoutes = {
    "/healthz": () => new Response("ok\n"),
    "/readyz": (request) => showReadiness(readiness(), request),
  }
  const showPage = callPage === undefined ? undefined : pageRoute(callPage.html, callPage.policy)
  const scriptOf = callPage === undefined ? undefined : scriptRoutes()
  const { registry } = metrics
  return {
    admin: {
      ...plugins.adminRoutes,
      ...health,
      ...admin,
      "/": pageRoute(consolePage.html, consolePage.policy),
      "/metrics": async () =>
        new Response(await registry.metrics(), { headers: { "content-type": registry.contentType } }),
    },
    public(request, visit) {
      const url = urlOf(request)
      if (url === undefined) return answerBadRequest()
      const { pathname } = url
      // Whoever asks how the node is gets to know, whatever others do from the same address.
      const showHealth = find(health, pathname)
      if (showHealth !== undefined) return showHealth(request)
      const refusal = visit.charge()
      if (refusal !== undefined) return refusal
      const answerPlugin = find(plugins.publicRoutes, pathname)
      if (answerPlugin !== undefined) return answerPlugin(request, visit.address)
      for (const dialect of dialects) {
        const response = dialect.answer?.(request, url, visit)
        if (response !== undefined) return response
      }
      const showScript = scriptOf?.(pathname)
      if (showScript !== undefined) return showScript(request)
      // Under any path that ends with a slash, so the page works behind a proxy that does not strip its prefix.
      if (showPage !== undefined && pathname.endsWith("/")) return showPage(request)
      return new Response("this is a WebSocket server: connect with the palava protocol\n", { status: 404 })
    },
  }
}

/** As text, or as JSON for who accepts it. */
export function showReadiness({ reasons, ...more }: Pick<Readiness, "reasons">, request: Request): Response {
  const ready = reasons.length === 0
  const status = ready ? 200 : 503
  const headers = { "cache-control": "no-store", vary: "accept" }
  if (request.headers.get("accept")?.includes("application/json"))
    return Response.json({ ready, reasons, ...more }, { status, headers })
  return new Response(ready ? "ready\n" : `not ready: ${reasons.join(", ")}\n`, { status, headers })
}

function find<T>(routes: Readonly<Record<string, T>>, pathname: string): T | undefined {
  return Object.hasOwn(routes, pathname) ? routes[pathname] : undefined
}
