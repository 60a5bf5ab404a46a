// All checks in their order: those that do not need each other go at once, so that the whole takes as long as the slowest.

import { localHost } from "../access/hosts.ts"
import { makeToken } from "../access/tokens.ts"
import { adminAddressOf, adminHeadersOf, hasAdmin } from "../config/admin-address.ts"
import type { Config } from "../config/options.ts"
import { type CallReport, checkCall, type MakeToken } from "./call.ts"
import { checkCertificates } from "./certificate.ts"
import { type Finding, withDeadline } from "./finding.ts"
import { checkIce } from "./ice.ts"
import { checkClock, checkFiles, checkPort, type OtherClock } from "./machine.ts"
import { checkRedis } from "./redis.ts"

/**
 * Looks at everything a call depends on.
 * @param publicUrl the address browsers use (ws or wss); undefined: the server on this machine, if it runs
 */
export async function examine(config: Config, publicUrl: string | undefined): Promise<Finding[]> {
  const given = publicUrl === undefined ? undefined : new URL(publicUrl)
  const [origin] = config.origin.filter((allowed) => allowed !== "*")
  const [{ finding: port, listening }, redis, ice, metrics, publicCall] = await Promise.all([
    checkPort(config),
    checkRedis(config),
    checkIce(config),
    fetchMetrics(config),
    given === undefined ? undefined : checkCall(given, origin, true, tokensFor(config)),
  ])
  const seenAt = Date.now()
  const isHere = listening === "us"
  const served = isHere ? { host: localHost(config.host), port: config.port } : undefined
  const [certificate, call] = await Promise.all([
    checkCertificates(config, given?.hostname, served),
    publicCall ?? localCall(config, origin, isHere),
  ])
  const redisClock = redis.clock === undefined ? [] : [{ whose: "Redis", seenAt, ...redis.clock }]
  const clocks: OtherClock[] = [...redisClock, ...(call.clock === undefined ? [] : [call.clock])]
  return [
    port,
    adminFinding(config, metrics, isHere),
    checkFiles(config, metrics),
    ...checkClock(clocks),
    ...certificate,
    ...redis.findings,
    ...ice,
    ...call.findings,
  ]
}

/** Without a public address: straight to the server on this machine, whose own clock is no other one. */
async function localCall(config: Config, origin: string | undefined, isHere: boolean): Promise<CallReport> {
  if (!isHere) {
    const result = "no server runs here, and no --url says where else"
    return { findings: [{ verdict: "skipped", what: "call", result }], clock: undefined }
  }
  const local = new URL(`${config.tlsCert.length === 0 ? "ws" : "wss"}://${localHost(config.host)}:${config.port}/`)
  const { findings } = await checkCall(local, origin, false, tokensFor(config))
  const advice = "give --url wss://NAME/ to try it the way browsers come"
  return {
    findings: [...findings, { verdict: "skipped", what: "public address", result: "not told", advice }],
    clock: undefined,
  }
}

/** 60 s: a call is set up in a few. */
const TOKEN_SECONDS = 60

function tokensFor({ authSecret, authJwks }: Config): MakeToken | "unknown" | undefined {
  if (authSecret === "") return authJwks === "" ? undefined : "unknown"
  return (room) => makeToken({ room, exp: Math.floor(Date.now() / 1000) + TOKEN_SECONDS }, { secret: authSecret })
}

function adminFinding(config: Config, metrics: string | undefined, isHere: boolean): Finding {
  if (!hasAdmin(config)) return { verdict: "skipped", what: "metrics", result: "--admin-listen is off" }
  const { host, port } = adminAddressOf(config)
  const what = `metrics at ${host}:${port}`
  if (metrics !== undefined) return { verdict: "ok", what, result: "the server tells them" }
  if (!isHere) return { verdict: "skipped", what, result: "no server runs here" }
  return {
    verdict: "odd",
    what,
    result: "nobody tells them",
    advice: "is --admin-listen that of the server that runs?",
  }
}

/** The text of /metrics of the server that runs here; undefined when there is none. */
async function fetchMetrics(config: Config): Promise<string | undefined> {
  if (!hasAdmin(config)) return undefined
  const { host, port } = adminAddressOf(config)
  try {
    const url = `http://${localHost(host)}:${port}/metrics`
    const answer = await withDeadline(fetch(url, { headers: adminHeadersOf(config) }))
    const text = await withDeadline(answer.text())
    return text.includes("palava_connections") ? text : undefined
  } catch {
    return undefined
  }
}
