// Whether Redis can do what the nodes ask of it: reachable, logged in, new enough, quick, no replica, keeps what it was
// told, and as a cluster complete. And what time it has, for the clock.

import { type Client, drop, makeClient, type Place, toPlace } from "../cluster/redis/clients.ts"
import { redisTlsOf } from "../config/named-files.ts"
import { DEADLINE_MS, type Finding, reasonOf, withDeadline } from "./finding.ts"

/** What it depends on. */
interface RedisConfig {
  readonly redis: string
  readonly redisCluster: readonly string[]
  readonly redisCa: string
  readonly redisCert: string
  readonly redisKey: string
}

/** PINGs behind each other; the middle one is told. */
const PINGS = 21

/** Milliseconds: a Redis nearby answers within 1, and every join waits for it. */
const SLOW_MS = 20

/** The oldest that works, as major and minor, alone and as a cluster (SPUBLISH came with 7). */
const OLDEST = { alone: 6.02, cluster: 7 }

const SLOTS = 16384

/** What was found, and the time there: unix milliseconds, and the half of the way there and back as its error. */
export interface RedisReport {
  readonly findings: Finding[]
  readonly clock: { readonly at: number; readonly errorMs: number } | undefined
}

/** A line for each Redis that is configured. */
export async function checkRedis(config: RedisConfig): Promise<RedisReport> {
  const { redis, redisCluster } = config
  const urls = redisCluster.length > 0 ? redisCluster : redis === "" ? [] : [redis]
  if (urls.length === 0) {
    const result = "none: this node is alone, and its rooms end with it"
    return { findings: [{ verdict: "skipped", what: "Redis", result }], clock: undefined }
  }
  const reports = await Promise.all(
    urls.map((url) => checkOne(toPlace(url, redisTlsOf(config)), redisCluster.length > 0)),
  )
  return {
    findings: reports.flatMap(({ findings }) => findings),
    clock: reports.find(({ clock }) => clock !== undefined)?.clock,
  }
}

async function checkOne(place: Place, isCluster: boolean): Promise<RedisReport> {
  const what = `Redis ${place.host.includes(":") ? `[${place.host}]` : place.host}:${place.port}`
  const client = makeClient(place, "palava-doctor", DEADLINE_MS)
  // Every failure comes back from the command that met it.
  client.on("error", () => {})
  try {
    await withDeadline(client.connect())
    return await withDeadline(question(client, what, isCluster))
  } catch (cause) {
    return {
      findings: [{ verdict: "bad", what, result: reasonOf(cause), advice: adviceFor(reasonOf(cause)) }],
      clock: undefined,
    }
  } finally {
    drop(client)
  }
}

async function question(client: Client, what: string, isCluster: boolean): Promise<RedisReport> {
  const info = toFields(String(await client.sendCommand(["INFO", "everything"])))
  const times: number[] = []
  for (let at = 0; at < PINGS; at++) {
    const begin = performance.now()
    await client.sendCommand(["PING"])
    times.push(performance.now() - begin)
  }
  const milliseconds = times.sort((a, b) => a - b)[PINGS >> 1] ?? 0
  const [seconds, microseconds] = (await client.sendCommand(["TIME"])) as unknown as [string, string]
  const name = info["valkey_version"] === undefined ? "Redis" : "Valkey"
  const version = info["valkey_version"] ?? info["redis_version"] ?? "?"
  const greeting = `${name} ${version}, logged in, answers in ${milliseconds.toFixed(1)} ms`
  const slots = isCluster ? await clusterFindings(client, what) : []
  const findings: Finding[] = [
    milliseconds < SLOW_MS
      ? { verdict: "ok", what, result: greeting }
      : { verdict: "odd", what, result: greeting, advice: "put it nearer to the nodes, or look at what keeps it busy" },
    ...versionFindings(what, name, version, isCluster),
    ...roleFindings(what, info),
    ...memoryFindings(what, info),
    ...slots,
  ]
  const at = Number(seconds) * 1000 + Number(microseconds) / 1000
  return { findings, clock: { at, errorMs: milliseconds } }
}

function versionFindings(what: string, name: string, version: string, isCluster: boolean): Finding[] {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  const oldest = isCluster ? OLDEST.cluster : OLDEST.alone
  if (name === "Valkey" || major + minor / 100 >= oldest) return []
  const wanted = isCluster ? "7.0 as a cluster" : "6.2"
  return [
    {
      verdict: "bad",
      what,
      result: `version ${version}`,
      advice: `the nodes need Redis ${wanted} or later, or Valkey`,
    },
  ]
}

function roleFindings(what: string, info: Readonly<Record<string, string>>): Finding[] {
  if (info["role"] !== "slave") return []
  const advice = `give --redis its primary, ${info["master_host"]}:${info["master_port"]}, or an address that follows it`
  return [{ verdict: "bad", what, result: "is a replica, which nothing can be written to", advice }]
}

/** A key that Redis throws away is a room that its members vanish from. */
function memoryFindings(what: string, info: Readonly<Record<string, string>>): Finding[] {
  const policy = info["maxmemory_policy"] ?? "noeviction"
  if (policy === "noeviction")
    return [{ verdict: "ok", what, result: "maxmemory-policy noeviction: keeps what it was told" }]
  const result = `maxmemory-policy ${policy}: may throw rooms away when its memory is full`
  const isBounded = Number(info["maxmemory"] ?? 0) > 0
  return [
    {
      verdict: isBounded ? "bad" : "odd",
      what,
      result,
      advice: "CONFIG SET maxmemory-policy noeviction, and in redis.conf",
    },
  ]
}

async function clusterFindings(client: Client, what: string): Promise<Finding[]> {
  const state = toFields(String(await client.sendCommand(["CLUSTER", "INFO"])))
  const assigned = Number(state["cluster_slots_ok"] ?? 0)
  if (state["cluster_state"] === "ok" && assigned === SLOTS) {
    return [{ verdict: "ok", what, result: `a cluster of ${state["cluster_size"]} masters, complete` }]
  }
  const result = `the cluster is ${state["cluster_state"] ?? "none"}, with ${assigned} of ${SLOTS} slots served`
  return [{ verdict: "bad", what, result, advice: "redis-cli --cluster check ADDRESS says which master is missing" }]
}

/** `key:value` lines. */
function toFields(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(":")
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)]] : []
    }),
  )
}

function adviceFor(reason: string): string {
  if (/WRONGPASS|invalid password/i.test(reason))
    return "put the right user and password in the URL: redis://USER:PASSWORD@HOST:PORT"
  if (/NOAUTH/.test(reason)) return "it wants a password: redis://:PASSWORD@HOST:PORT"
  if (/NOPERM/.test(reason))
    return "give the user what the nodes need: ACL SETUSER USER on ~palava* ~store:stats* &palava* +@all -@admin"
  if (/LOADING/.test(reason)) return "it reads its data, and will be there soon"
  if (/cluster support disabled/.test(reason)) return "it is no cluster: give --redis in place of --redis-cluster"
  return "is it running there, does `bind` in redis.conf let this machine in, and the firewall?"
}
