// The concrete parts a configuration asks for: which store, which place for the statistics, which plug-ins. Nobody
// below knows which they are.

import statsPolicy from "../../dist/pages/stats.csp.txt" with { type: "text" }
import statsHtml from "../../dist/pages/stats.html.txt" with { type: "text" }
import { version } from "../../package.json" with { type: "json" }
import { KeySet } from "../access/key-set.ts"
import { makeVerifier, type VerifyToken } from "../access/tokens.ts"
import { SYSTEM_CLOCK } from "../clock.ts"
import type { Neighbours } from "../cluster/neighbours.ts"
import { makeRedisRoomStore } from "../cluster/redis-room-store.ts"
import { redisTlsOf } from "../config/named-files.ts"
import { type Config, isClustered } from "../config/options.ts"
import { CLIENT_EVENTS } from "../dialects/palava/client-events.ts"
import type { Log } from "../log.ts"
import type { LoadedPlugin } from "../plugins/check.ts"
import { PluginHost } from "../plugins/host.ts"
import { icePlugin } from "../plugins/ice.ts"
import { infoPlugin } from "../plugins/info.ts"
import { loadPlugins } from "../plugins/load.ts"
import { statsPlugin } from "../plugins/stats.ts"
import { tokensPlugin } from "../plugins/tokens.ts"
import type { NodeId } from "../rooms/ids.ts"
import { MemoryRoomStore } from "../rooms/memory-room-store.ts"
import { pageRoute } from "../server/pages.ts"
import type { HourStore } from "../stats/hours.ts"
import { MemoryHours } from "../stats/memory-hours.ts"
import { RedisHours } from "../stats/redis-hours.ts"
import { addRedisMetrics } from "../telemetry/redis-metrics.ts"
import type { NodeParts } from "./node.ts"

/** What a store brings to a node; `place` is where it is, for people: host and port, never user or password. */
type StoreParts = Pick<NodeParts, "store" | "storeKind" | "storeAway" | "addStoreMetrics"> & {
  place: string | undefined
}

/**
 * Redis when one is configured; else this process is the whole world.
 * @param before the node whose place this one takes, where that is possible
 * @param neighbours nodes of this machine, to which messages need not go over Redis
 */
export function makeStore(config: Config, log: Log, before?: NodeId, neighbours?: Neighbours): StoreParts {
  const redis = redisOf(config)
  if (redis === undefined) {
    const [store, storeAway, addStoreMetrics] = [new MemoryRoomStore(before), () => undefined, () => {}]
    return { store, storeKind: "memory", place: undefined, storeAway, addStoreMetrics }
  }
  const store = makeRedisRoomStore({
    ...redis,
    neighbours,
    leaseSeconds: config.leaseSeconds,
    waitSeconds: config.redisWaitSeconds,
    log: {
      info: (message, fields) => log.info(fields, message),
      warn: (message, fields) => log.warn(fields, message),
    },
  })
  return {
    store,
    storeKind: "redis",
    place: store.place,
    storeAway: () => (store.state === "up" ? undefined : "Redis cannot be reached"),
    addStoreMetrics: (metrics) => addRedisMetrics(metrics, store.counters, () => store.state === "up"),
  }
}

/** Where the usage statistics are: in Redis when one is configured, else in this process. */
export function makeHours(config: Config): HourStore {
  const redis = redisOf(config)
  return redis === undefined ? new MemoryHours(config.statsDays) : new RedisHours({ ...redis, days: config.statsDays })
}

/** Which Redis is configured, if any. */
function redisOf(config: Config) {
  const { redis, redisCluster, redisPrefix: prefix } = config
  const isCluster = redisCluster.length > 0
  if (!isClustered(config)) return undefined
  return { urls: isCluster ? redisCluster : [redis], isCluster, prefix, tls: redisTlsOf(config) }
}

/** What checks access tokens; undefined where none are asked for. */
function makeVerifierOf({ authSecret, authJwks, authAudience }: Config, log: Log): VerifyToken | undefined {
  if (authSecret !== "") return makeVerifier(authSecret, authAudience)
  return authJwks === "" ? undefined : makeVerifier(new KeySet(authJwks, SYSTEM_CLOCK, log), authAudience)
}

/**
 * The built-in plug-ins, then those of the configuration, set up.
 * @throws PluginMistakes when one cannot be used
 */
export async function makePlugins(config: Config, log: Log): Promise<PluginHost> {
  const page = pageRoute(statsHtml, statsPolicy)
  const { statsDays: days, statsExport: exportTo } = config
  const ice = { ...config, urls: config.iceServer }
  const builtIn = [
    tokensPlugin(makeVerifierOf(config, log)),
    icePlugin(ice),
    infoPlugin(ice),
    statsPlugin({ hours: makeHours(config), days, exportTo, page }),
  ] as LoadedPlugin["plugin"][]
  const given = await loadPlugins(config.plugin, config.plugins)
  const all = [...builtIn.map((plugin) => ({ plugin, options: undefined })), ...given]
  return new PluginHost(all, log, version, Object.keys(CLIENT_EVENTS))
}
