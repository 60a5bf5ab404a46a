// One running node: the parts put together, started, and stopped in order. The command start decides what they are.

import { version } from "../../package.json" with { type: "json" }
import { AllNodes } from "../admin/all-nodes.ts"
import { type LocalParts, makeLocalNode } from "../admin/local-node.ts"
import { Questions } from "../admin/questions.ts"
import { makeAdminRoutes } from "../admin/routes.ts"
import { SYSTEM_CLOCK, sleep } from "../clock.ts"
import { adminAddressOf, hasAdmin } from "../config/admin-address.ts"
import { type Config, isClustered } from "../config/options.ts"
import { Connections } from "../connections/connections.ts"
import type { Dialect } from "../dialects/contract.ts"
import { openFileLimit } from "../open-file-limit.ts"
import type { PluginHost } from "../plugins/host.ts"
import { type RoomStore, StoreUnavailable } from "../rooms/room-store.ts"
import { makeRooms, type Rooms } from "../rooms/rooms.ts"
import { type Admin, answerByPath, listenForOperators, type OperatorAnswer } from "../server/admin.ts"
import { listen, type Sharing } from "../server/listen.ts"
import { guardOpenFiles } from "../server/open-files.ts"
import { makePlaceLog } from "../server/refusals.ts"
import { listenForSockets, type Sockets } from "../server/sockets.ts"
import { ServerTopics } from "../server/topics.ts"
import { watchUnfinishedFrames } from "../server/unfinished-frames.ts"
import { changeLevel, type LevelledLog } from "../telemetry/log.ts"
import { makeMetrics } from "../telemetry/metrics.ts"
import type { Metrics } from "../telemetry/registry.ts"
import { Timelines } from "../trace/timelines.ts"
import { makeDialects } from "./dialects.ts"
import { maxConnectionsOf, memoryBytesOf, reservedFiles } from "./machine.ts"
import { makeRenewals, type Reloaded } from "./renewals.ts"
import { makeRoutes, type Page, type Readiness } from "./routes.ts"
import { Shutdown } from "./shutdown.ts"
import { packState, type State, unpackState } from "./state.ts"

/**
 * 200 ms: who was connected to this process while the other already listens has sent a request by then, and has its answer.
 * Bun resets the others, and whoever comes to the other process waits as long.
 */
const ACCEPTED_MS = 200

/** What a node is made of, besides its configuration. */
export interface NodeParts {
  readonly config: Config
  readonly store: RoomStore
  readonly log: LevelledLog
  /** Set up, not yet started. */
  readonly plugins: PluginHost
  /** The demo call. */
  readonly callPage: Page
  /** For operators. */
  readonly consolePage: Page
  /** What keeps the rooms. */
  readonly storeKind: Readiness["store"]["kind"]
  /** Why the store cannot be reached now; undefined when it can. */
  readonly storeAway: () => string | undefined
  /** Adds what the store counts. */
  readonly addStoreMetrics: (metrics: Metrics) => void
  /** What the process before this one has left behind, asked for once this one listens; nobody is served before. */
  readonly before?: (() => Promise<State | undefined>) | undefined
  /** Keeps what this one leaves behind for the next. */
  readonly keepState?: ((text: string) => Promise<void>) | undefined
  /** Whether another process may listen on the same ports, as far as it gives way or is given way. */
  readonly ports: Sharing
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
  /** What the process before this one held is held here. */
  readonly opened: Promise<void>
  /** Reads again what can change while a node runs. */
  readonly reload: () => Reloaded
  readonly shutdown: Shutdown
  /** Stops, for another process that listens on the same ports already, `seconds` after that was announced. */
  giveWay(seconds: number): Promise<void>
  /** What the operators' listener tells, for where it is another process's. */
  readonly operators: {
    readonly answer: OperatorAnswer
    readonly readiness: () => Readiness
    readonly metrics: Metrics
  }
}

/**
 * Starts a node. It listens at once: while the store is away, health is told and clients are asked for patience.
 * @throws when an address cannot be listened on, or a plug-in does not start
 */
export async function startNode(parts: NodeParts): Promise<Node> {
  const { config, store, log, plugins } = parts
  const { hooks } = plugins
  const topics = new ServerTopics()
  const files = openFileLimit() ?? 0
  const limits = { ...config, maxConnections: maxConnectionsOf(config, files), memoryBytes: memoryBytesOf(config) }
  const onPlaceRefused = makePlaceLog(log, SYSTEM_CLOCK)
  const connections = new Connections({ limits, log, observer: hooks.observer, onPlaceRefused })
  const { sameIdentity } = config
  const timelines = config.traceRooms ? new Timelines(SYSTEM_CLOCK) : undefined
  const rooms = makeRooms({
    store,
    topics,
    log,
    observer: hooks.observer,
    tracer: timelines,
    onTold: hooks.told,
    sameIdentity,
  })
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
  const drain = { isDraining: false }
  const metrics = makeMetrics({ connections, rooms, dialects })
  parts.addStoreMetrics(metrics)
  plugins.addMetrics(metrics)
  const renewals = makeRenewals(config, log, metrics)
  const readiness = (): Readiness => {
    const away = parts.storeAway()
    const reasons = [isStopping && "shutting down", drain.isDraining && "draining", away]
    return {
      node: store.node,
      version,
      reasons: reasons.filter((reason) => typeof reason === "string"),
      store: { kind: parts.storeKind, state: away === undefined ? "up" : "away" },
    }
  }
  const level = {
    get now() {
      return log.level
    },
    change: (to: string, fields: object) => changeLevel(log, to, fields),
  }
  const routes = makeRoutes({
    readiness,
    dialects,
    plugins,
    metrics,
    admin: makeAdminRoutes(
      makeAllNodes(rooms, {
        connections,
        rooms,
        dialects,
        timelines,
        log,
        version,
        drain,
        level,
        reasons: () => readiness().reasons,
      }),
    ),
    consolePage: parts.consolePage,
    callPage: config.page ? parts.callPage : undefined,
  })

  const operators = { answer: answerByPath(routes.admin), readiness, metrics }
  const storeReady = rooms.start().then(
    () => true,
    (cause) => {
      if (cause instanceof StoreUnavailable) return false
      throw cause
    },
  )
  storeReady.catch(() => {})
  const listens = Promise.withResolvers<void>()
  const opens = parts.before && listens.promise.then(() => takeUp(parts, dialects, connections))
  let sockets: Sockets
  let admin: Admin | undefined
  try {
    await plugins.start({ connections, rooms, dialects })
    const reusePort = parts.ports !== "own"
    const { origin: origins, trustProxy: trustedProxies } = config
    const options = { ...config, tls: renewals.tls, origins, trustedProxies, reusePort }
    const socketParts = { connections, dialects, hooks, topics, log, opens, answer: routes.public }
    sockets = listen("--port", config.host, config.port, parts.ports, () => listenForSockets(options, socketParts))
    admin = startAdmin(config, sockets.port, parts.ports, operators.answer, renewals.adminToken)
    renewals.watch(sockets.renew)
  } catch (cause) {
    await plugins.stop()
    await rooms.close(0)
    throw cause
  }
  connections.start()
  listens.resolve()
  const endGuard = guardOpenFiles({
    limit: files,
    reserved: reservedFiles(files),
    onEnded: () => {
      connections.counters.refused.open_files++
    },
  })
  const endWatch = watchUnfinishedFrames({ connections, port: sockets.port, files })
  const { keepState: keep } = parts
  const shutdown = new Shutdown({
    connections,
    rooms,
    log,
    seconds: config.shutdownSeconds,
    keepsHeld: isClustered(config) || keep !== undefined,
    awaited: isClustered(config) ? () => awaitedOf(dialects) : () => 0,
    keepState: keep && (async () => keep(await packState(store.node, dialects))),
    refuseNew() {
      isStopping = true
      sockets.refuseNew()
    },
    last: [
      async () => endGuard(),
      async () => endWatch(),
      async () => renewals.stop(),
      () => sockets.stop(),
      () => plugins.stop(),
      () => admin?.stop(),
    ],
  })

  return {
    port: sockets.port,
    get connections() {
      return connections.open.size
    },
    adminAddress: admin === undefined ? undefined : { host: adminAddressOf(config).host, port: admin.port },
    storeReady: opens === undefined ? storeReady : opens.then(() => storeReady),
    reload: renewals.reload,
    opened: opens ?? Promise.resolve(),
    shutdown,
    operators,
    async giveWay(seconds) {
      await sleep(SYSTEM_CLOCK, ACCEPTED_MS)
      sockets.stopListening()
      admin?.stopListening()
      await shutdown.gently(seconds)
    },
  }
}

/** What operators ask: this node by itself, and all by way of it. */
function makeAllNodes(rooms: Rooms, local: LocalParts): AllNodes {
  const { node, crossRelays } = rooms
  const nodes = () => rooms.nodes()
  const questions = new Questions({ node, crossRelays, clock: SYSTEM_CLOCK, nodes, answer: makeLocalNode(local) })
  return new AllNodes(questions, node, nodes)
}

/** Holds what the process before this one held. */
async function takeUp(parts: NodeParts, dialects: readonly Dialect[], connections: Connections): Promise<void> {
  const { log, before } = parts
  try {
    const state = await before?.()
    if (state === undefined) return
    const members = await unpackState(state, dialects, connections)
    if (members === undefined) log.warn({}, "part of the state of the process before was damaged and is not used")
    else log.info({ members, ageMs: Date.now() - state.writtenAt }, "holds the members of the process before")
  } catch (cause) {
    log.error({ err: cause }, "the state of the process before could not be used")
  }
}

/** Memberships that other nodes may take over, or are taking over, with what is kept here. */
function awaitedOf(dialects: readonly Dialect[]): number {
  return dialects.reduce((sum, { resumptions: its }) => sum + (its === undefined ? 0 : its.held + its.moving), 0)
}

function startAdmin(
  config: Config,
  publicPort: number,
  ports: Sharing,
  answer: OperatorAnswer,
  token: () => string | undefined,
): Admin | undefined {
  if (!hasAdmin(config)) return undefined
  const { host, port } = adminAddressOf(config, publicPort)
  const access = { names: [host, ...config.adminHost], token }
  const reusePort = ports !== "own"
  return listen("--admin-listen", host, port, ports, () => listenForOperators(host, port, answer, access, reusePort))
}
