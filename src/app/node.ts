// One running node: the parts put together, started, and stopped in order. The command start decides what they are.

import { readFileSync } from "node:fs"
import { version } from "../../package.json" with { type: "json" }
import { SYSTEM_CLOCK } from "../clock.ts"
import { adminAddressOf, adminTokenOf, hasAdmin } from "../config/admin-address.ts"
import { type Config, isClustered } from "../config/options.ts"
import { Connections } from "../connections/connections.ts"
import type { Log } from "../log.ts"
import type { PluginHost } from "../plugins/host.ts"
import { type RoomStore, StoreUnavailable } from "../rooms/room-store.ts"
import { makeRooms } from "../rooms/rooms.ts"
import { type Admin, type AdminRoutes, listenForOperators } from "../server/admin.ts"
import { listen } from "../server/listen.ts"
import { guardOpenFiles } from "../server/open-files.ts"
import { makePlaceLog } from "../server/refusals.ts"
import { listenForSockets, type Sockets } from "../server/sockets.ts"
import { ServerTopics } from "../server/topics.ts"
import { makeMetrics } from "../telemetry/metrics.ts"
import { openFileLimit } from "../telemetry/process-metrics.ts"
import type { Metrics } from "../telemetry/registry.ts"
import { makeDialects } from "./dialects.ts"
import { maxConnectionsOf, memoryBytesOf, reservedFiles } from "./machine.ts"
import { makeRoutes, type Page, type Readiness } from "./routes.ts"
import { Shutdown } from "./shutdown.ts"

/** What a node is made of, besides its configuration. */
export interface NodeParts {
  readonly config: Config
  readonly store: RoomStore
  readonly log: Log
  /** Set up, not yet started. */
  readonly plugins: PluginHost
  /** The demo call. */
  readonly callPage: Page
  /** What keeps the rooms. */
  readonly storeKind: Readiness["store"]["kind"]
  /** Why the store cannot be reached now; undefined when it can. */
  readonly storeAway: () => string | undefined
  /** Adds what the store counts. */
  readonly addStoreMetrics: (metrics: Metrics) => void
}

/** A running node. */
export interface Node {
  readonly port: number
  /** Open ones, at this moment. */
  readonly connections: number
  /** Undefined when switched off. */
  readonly adminAddress: { host: string; port: number } | undefined
  /**
   * Resolves with true when the store can be used for the first time, with false when the node is stopped before; rejects
   * when the store refuses to work with this configuration.
   */
  readonly storeReady: Promise<boolean>
  readonly shutdown: Shutdown
}

/**
 * Starts a node. It listens at once: while the store is away, health is told and clients are asked for patience.
 * @throws when an address cannot be listened on, or a plug-in does not start
 */
export async function startNode(parts: NodeParts): Promise<Node> {
  const { config, store, log, plugins } = parts
  const { hooks } = plugins
  const topics = new ServerTopics()
  const files = openFileLimit()
  const limits = { ...config, maxConnections: maxConnectionsOf(config, files), memoryBytes: memoryBytesOf(config) }
  const onPlaceRefused = makePlaceLog(log, SYSTEM_CLOCK)
  const connections = new Connections({ limits, log, observer: hooks.observer, onPlaceRefused })
  const rooms = makeRooms({ store, topics, log, observer: hooks.observer, onTold: hooks.told })
  const dialects = makeDialects(
    {
      rooms,
      hooks,
      log,
      clock: SYSTEM_CLOCK,
      topics,
      ice: { ...config, urls: config.iceServer },
      isClustered: isClustered(config),
      limits: config,
    },
    config,
  )
  for (const { keptBytes, resumptions } of dialects) {
    if (keptBytes !== undefined) connections.memory.add(keptBytes)
    if (resumptions !== undefined) connections.memory.add(() => resumptions.keptBytes)
  }
  let isStopping = false
  const metrics = makeMetrics({ connections, rooms, dialects })
  parts.addStoreMetrics(metrics)
  plugins.addMetrics(metrics)
  const routes = makeRoutes({
    readiness: () => {
      const away = parts.storeAway()
      const reasons = [isStopping ? "shutting down" : undefined, away].filter((reason) => reason !== undefined)
      return {
        node: store.node,
        version,
        reasons,
        store: { kind: parts.storeKind, state: away === undefined ? "up" : "away" },
      }
    },
    dialects,
    plugins,
    metrics,
    callPage: config.page ? parts.callPage : undefined,
  })

  const storeReady = rooms.start().then(
    () => true,
    (cause) => {
      if (cause instanceof StoreUnavailable) return false
      throw cause
    },
  )
  storeReady.catch(() => {})
  let sockets: Sockets
  let admin: Admin | undefined
  try {
    await plugins.start({ connections, rooms, dialects })
    const options = { ...config, tls: tlsOf(config), origins: config.origin, trustedProxies: config.trustProxy }
    const socketParts = { connections, dialects, hooks, topics, log, answer: routes.public }
    sockets = listen("--port", config.host, config.port, () => listenForSockets(options, socketParts))
    admin = startAdmin(config, sockets.port, routes.admin)
  } catch (cause) {
    await plugins.stop()
    await rooms.close(0)
    throw cause
  }
  connections.start()
  const endGuard = guardOpenFiles({
    limit: files,
    reserved: reservedFiles(files),
    onEnded: (count) => {
      connections.counters.refused.open_files += count
    },
  })

  return {
    port: sockets.port,
    get connections() {
      return connections.open.size
    },
    adminAddress: admin === undefined ? undefined : { host: adminAddressOf(config).host, port: admin.port },
    storeReady,
    shutdown: new Shutdown({
      connections,
      rooms,
      log,
      seconds: config.shutdownSeconds,
      keepsHeld: isClustered(config),
      refuseNew() {
        isStopping = true
        sockets.refuseNew()
      },
      last: [async () => endGuard(), () => sockets.stop(), () => plugins.stop(), () => admin?.stop()],
    }),
  }
}

function tlsOf({ tlsCert, tlsKey }: Config): { cert: string; key: string } | undefined {
  if (tlsCert === "") return undefined
  return { cert: readFileSync(tlsCert, "utf8"), key: readFileSync(tlsKey, "utf8") }
}

function startAdmin(config: Config, publicPort: number, routes: AdminRoutes): Admin | undefined {
  if (!hasAdmin(config)) return undefined
  const { host, port } = adminAddressOf(config, publicPort)
  const token = adminTokenOf(config)
  const access = { names: [host, ...config.adminHost], token: () => token }
  return listen("--admin-listen", host, port, () => listenForOperators(host, port, routes, access))
}
