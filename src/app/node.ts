// One running node: the parts put together, started, and stopped in order. main.ts decides what they are.

import { readFileSync } from "node:fs"
import { adminAddressOf, hasAdmin } from "../config/admin-address.ts"
import type { Config } from "../config/options.ts"
import type { PluginHost } from "../plugins/host.ts"
import type { RoomStore } from "../rooms/room-store.ts"
import { type Admin, type AdminRoutes, listenForOperators } from "../server/admin.ts"
import { listen } from "../server/listen.ts"
import { pageRoute } from "../server/pages.ts"
import { answerBadRequest, pathOf } from "../server/paths.ts"
import { scriptRoutes } from "../server/scripts.ts"
import { listenForSockets, ServerTopics, type Sockets } from "../server/sockets.ts"
import { Hub, type Log } from "../signaling/hub.ts"
import { type Metrics, makeMetrics } from "../telemetry/metrics.ts"

/** What a node is made of, besides its configuration. */
export interface NodeParts {
  readonly config: Config
  readonly store: RoomStore
  readonly log: Log
  /** Set up, not yet started. */
  readonly plugins: PluginHost
  /** The demo call: one HTML text, and its Content-Security-Policy. */
  readonly callPage: { readonly html: string; readonly policy: string }
  /** Whether the store can be reached now. */
  readonly isStoreReady: () => boolean
  /** Adds what the store counts. */
  readonly addStoreMetrics: (metrics: Metrics) => void
}

/** A running node. */
export interface Node {
  readonly port: number
  /** Undefined when switched off. */
  readonly adminAddress: { host: string; port: number } | undefined
  /** Announces the end, waits, then stops. A call of `stopNow` meanwhile ends the wait. */
  stopGently(): Promise<void>
  /** Leaves all rooms, closes all connections, lets go of everything. */
  stopNow(): Promise<void>
}

/**
 * Starts a node: the store first, so that who can connect can join.
 * @throws when an address cannot be listened on, or the store refuses to work with this configuration
 */
export async function startNode({
  config,
  store,
  log,
  plugins,
  callPage,
  isStoreReady,
  addStoreMetrics,
}: NodeParts): Promise<Node> {
  const topics = new ServerTopics()
  const hub = new Hub({ store, topics, log, limits: config, hooks: plugins.hooks })
  let isStopping = false
  const isReady = (): boolean => !isStopping && isStoreReady()
  const health = {
    "/healthz": () => new Response("ok\n"),
    "/readyz": () => (isReady() ? new Response("ready\n") : new Response("not ready\n", { status: 503 })),
  }
  const metrics = makeMetrics(hub)
  addStoreMetrics(metrics)
  plugins.addMetrics(metrics)
  const adminRoutes: AdminRoutes = {
    ...plugins.adminRoutes,
    ...health,
    "/metrics": async () =>
      new Response(await metrics.registry.metrics(), { headers: { "content-type": metrics.registry.contentType } }),
  }
  const showPage = config.page ? pageRoute(callPage.html, callPage.policy) : undefined
  const scriptOf = config.page ? scriptRoutes() : undefined
  const answer = (request: Request): Response | Promise<Response> => {
    const pathname = pathOf(request)
    if (pathname === undefined) return answerBadRequest()
    if (pathname === "/healthz" || pathname === "/readyz") return health[pathname]()
    const pluginRoute = Object.hasOwn(plugins.publicRoutes, pathname) ? plugins.publicRoutes[pathname] : undefined
    const route = pluginRoute ?? scriptOf?.(pathname)
    if (route !== undefined) return route(request)
    // Under any path that ends with a slash, so the page works behind a proxy that does not strip its prefix.
    if (showPage !== undefined && pathname.endsWith("/")) return showPage(request)
    return new Response("this is a WebSocket server: connect with the palava protocol\n", { status: 404 })
  }

  await hub.start()
  let sockets: Sockets
  let admin: Admin | undefined
  try {
    await plugins.start(hub)
    const options = { ...config, tls: tlsOf(config), origins: config.origin }
    sockets = listen("--port", config.host, config.port, () => listenForSockets(options, hub, topics, answer))
    admin = startAdmin(config, sockets.port, adminRoutes)
  } catch (cause) {
    await plugins.stop()
    await hub.close()
    throw cause
  }

  let stopped: Promise<void> | undefined
  let endWait = (): void => {}
  const stopNow = (): Promise<void> => {
    endWait()
    stopped ??= (async () => {
      isStopping = true
      sockets.refuseNew()
      await hub.close()
      await sockets.stop()
      await plugins.stop()
      await admin?.stop()
    })()
    return stopped
  }
  return {
    port: sockets.port,
    adminAddress: admin === undefined ? undefined : { host: adminAddressOf(config).host, port: admin.port },
    stopNow,
    async stopGently() {
      isStopping = true
      sockets.refuseNew()
      hub.announceShutdown(config.shutdownSeconds)
      await new Promise<void>((resolve) => {
        endWait = resolve
        setTimeout(resolve, hub.sessions.size === 0 ? 0 : config.shutdownSeconds * 1000)
      })
      await stopNow()
    },
  }
}

function tlsOf({ tlsCert, tlsKey }: Config): { cert: string; key: string } | undefined {
  if (tlsCert === "") return undefined
  return { cert: readFileSync(tlsCert, "utf8"), key: readFileSync(tlsKey, "utf8") }
}

function startAdmin(config: Config, publicPort: number, routes: AdminRoutes): Admin | undefined {
  if (!hasAdmin(config)) return undefined
  const { host, port } = adminAddressOf(config, publicPort)
  return listen("--admin-listen", host, port, () => listenForOperators(host, port, routes))
}
