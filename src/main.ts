// The program: what to do, with which store, and what signals mean. The only file that names concrete parts.

import callPolicy from "../dist/pages/call.csp.txt" with { type: "text" }
import callHtml from "../dist/pages/call.html.txt" with { type: "text" }
import statsPolicy from "../dist/pages/stats.csp.txt" with { type: "text" }
import statsHtml from "../dist/pages/stats.html.txt" with { type: "text" }
import { version } from "../package.json" with { type: "json" }
import { ConfigError, type Invocation, loadInvocation } from "./config/load.ts"
import type { Config } from "./config/options.ts"
import { configText, helpText } from "./config/print.ts"
import { adminAddressOf, type Node, type NodeParts, startNode } from "./node.ts"
import { type LoadedPlugin, PluginMistakes } from "./plugins/check.ts"
import { PluginHost } from "./plugins/host.ts"
import { icePlugin } from "./plugins/ice.ts"
import { infoPlugin } from "./plugins/info.ts"
import { loadPlugins } from "./plugins/load.ts"
import { statsPlugin } from "./plugins/stats.ts"
import { PLUGIN_TYPES } from "./plugins/types-text.ts"
import { RedisRoomStore } from "./redis/redis-room-store.ts"
import { MemoryRoomStore } from "./rooms/memory-room-store.ts"
import type { RoomStore } from "./rooms/room-store.ts"
import { pageRoute } from "./server/pages.ts"
import type { Log } from "./signaling/hub.ts"
import { answerQuestion, readFromServer, readFromStore } from "./stats/command.ts"
import type { HourStore } from "./stats/hours.ts"
import { MemoryHours } from "./stats/memory-hours.ts"
import { RedisHours } from "./stats/redis-hours.ts"
import { makeLog } from "./telemetry/log.ts"
import { addRedisMetrics } from "./telemetry/redis-metrics.ts"

/** Exit codes: 1, it could not start or failed; 2, it was started wrongly. */
const EXIT_FAILED = 1
const EXIT_USAGE = 2

async function main(): Promise<void> {
  const invocation = readInvocation()
  switch (invocation.command) {
    case "help":
      console.log(helpText(version))
      return
    case "version":
      console.log(version)
      return
    case "check-config":
      await makePlugins(invocation.config, makeLog("silent"))
      console.log(configText(invocation))
      return
    case "plugin-types":
      process.stdout.write(PLUGIN_TYPES)
      return
    case "stats":
      await printStats(invocation)
      return
    case "start":
      await start(invocation)
  }
}

function readInvocation(): Invocation {
  try {
    return loadInvocation(process.argv.slice(2), process.env)
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause
    return exitFor(cause.mistakes)
  }
}

/** Says what was wrong with how the program was started, a line each. */
function exitFor(mistakes: readonly string[]): never {
  for (const mistake of mistakes) console.error(`palava-machine: ${mistake}`)
  process.exit(EXIT_USAGE)
}

/** The built-in plug-ins, then those of the configuration, set up. */
async function makePlugins(config: Config, log: Log): Promise<PluginHost> {
  const page = pageRoute(statsHtml, statsPolicy)
  const { statsDays: days, statsExport: exportTo } = config
  const builtIn = [
    icePlugin({ ...config, urls: config.iceServer }),
    infoPlugin,
    statsPlugin({ hours: makeHours(config), days, exportTo, page }),
  ] as LoadedPlugin["plugin"][]
  try {
    const given = await loadPlugins(config.plugin, config.plugins)
    const all = [...builtIn.map((plugin) => ({ plugin, options: undefined })), ...given]
    return new PluginHost(all, log, version)
  } catch (cause) {
    if (!(cause instanceof PluginMistakes)) throw cause
    return exitFor(cause.mistakes)
  }
}

/** Where the usage statistics are: in Redis when one is configured, else in this process. */
function makeHours(config: Config): HourStore {
  const isCluster = config.redisCluster.length > 0
  if (config.redis === "" && !isCluster) return new MemoryHours(config.statsDays)
  const urls = isCluster ? config.redisCluster : [config.redis]
  return new RedisHours({ urls, isCluster, prefix: config.redisPrefix, days: config.statsDays })
}

async function printStats({ config, statsFlags }: Invocation): Promise<void> {
  const hours = makeHours(config)
  const isElsewhere = hours instanceof MemoryHours
  const read = isElsewhere ? readFromServer(`http://${adminAddressOf(config)}/`) : readFromStore(hours)
  try {
    console.log(await answerQuestion(statsFlags, read, process.stdout.columns ?? 80))
  } catch (cause) {
    if (cause instanceof RangeError) exitFor([cause.message])
    console.error(`palava-machine: the statistics cannot be read: ${(cause as Error).message}`)
    process.exit(EXIT_FAILED)
  }
}

async function start({ config }: Invocation): Promise<void> {
  const log = makeLog(config.logLevel)
  const plugins = await makePlugins(config, log)
  let node: Node
  try {
    const callPage = { html: callHtml, policy: callPolicy }
    node = await startNode({ config, log, plugins, callPage, ...makeStore(config, log) })
  } catch (cause) {
    console.error(`palava-machine: ${cause instanceof Error ? cause.message : cause}`)
    process.exit(EXIT_FAILED)
  }
  stopOnSignals(node)
  if (config.plugin.length > 0) outliveStrays(plugins, log)
  const host = config.host === "0.0.0.0" || config.host === "::" ? "localhost" : config.host
  const secure = config.tlsCert === "" ? "" : "s"
  console.log(`palava-machine ${version} is ready`)
  if (config.page) console.log(`  page    http${secure}://${host}:${node.port}/`)
  console.log(`  socket  ws${secure}://${host}:${node.port}/`)
  if (node.adminAddress !== undefined)
    console.log(`  admin   http://${node.adminAddress.host}:${node.adminAddress.port}/`)
}

/** Redis when one is configured; else this process is the whole world. */
function makeStore(config: Config, log: Log): Pick<NodeParts, "store" | "isStoreReady" | "addStoreMetrics"> {
  const isCluster = config.redisCluster.length > 0
  if (config.redis === "" && !isCluster) {
    const store: RoomStore = new MemoryRoomStore()
    return { store, isStoreReady: () => true, addStoreMetrics: () => {} }
  }
  const store = new RedisRoomStore({
    urls: isCluster ? config.redisCluster : [config.redis],
    isCluster,
    prefix: config.redisPrefix,
    leaseSeconds: config.leaseSeconds,
    waitSeconds: config.redisWaitSeconds,
    log: {
      info: (message, fields) => log.info(fields, message),
      warn: (message, fields) => log.warn(fields, message),
    },
  })
  const isStoreReady = () => store.state === "up"
  return { store, isStoreReady, addStoreMetrics: (metrics) => addRedisMetrics(metrics, store.counters, isStoreReady) }
}

/** What a plug-in throws where nobody can catch it, in a timer or a forgotten promise, must not end the server. */
function outliveStrays(plugins: PluginHost, log: Log): void {
  process.on("unhandledRejection", (cause) => {
    if (!plugins.blame(cause)) log.error({ err: cause }, "a rejected promise was forgotten")
  })
  process.on("uncaughtException", (cause) => {
    if (plugins.blame(cause)) return
    log.error({ err: cause }, "bug: an uncaught error")
    process.exit(EXIT_FAILED)
  })
}

/** SIGTERM stops gently; a second one, or SIGINT, at once. */
function stopOnSignals(node: Node): void {
  const exitAfter = (stopped: Promise<void>): void => {
    stopped.then(
      () => process.exit(0),
      () => process.exit(EXIT_FAILED),
    )
  }
  let isStopping = false
  process.on("SIGTERM", () => {
    exitAfter(isStopping ? node.stopNow() : node.stopGently())
    isStopping = true
  })
  process.on("SIGINT", () => exitAfter(node.stopNow()))
}

await main()
