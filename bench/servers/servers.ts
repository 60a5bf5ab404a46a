// The servers that are measured, by name: how each is built, started, and where it listens.

import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { Address } from "../load/connection.ts"
import type { DialectName } from "../load/dialects.ts"
import type { Refuge } from "../load/storm.ts"
import type { CertificateFiles } from "./certificate.ts"
import { freePort, need, run, type Started, start } from "./processes.ts"

const ROOT = resolve(import.meta.dir, "../..")
const PACKAGES = join(ROOT, "node_modules")

/** A server that takes connections. */
export interface RunningServer {
  dialect: DialectName
  addresses: Address[]
  /** Its processes, whose CPU and memory count. */
  pids: number[]
  /** The Redis between its nodes. */
  redisUrl?: string
  redisPid?: number
  /** Ends its first node; where there is no other, another takes its place. Answers where clients can come back to. */
  lose?(): Promise<Refuge>
  stop(): Promise<void>
}

/** A way to start a server, for wss with a certificate. */
export type Launch = (certificate?: CertificateFiles) => Promise<RunningServer>

/** Where it is, for whoever connects to it. */
export function at(port: number, certificate?: CertificateFiles): Address[] {
  return [{ hostname: "127.0.0.1", port, ...(certificate && { isSecure: true }) }]
}

/** The compiler flags of the Makefile: forwarder and server differ in what they do, not in how they were made. */
const COMPILE = ["build", "--compile", "--minify"]

/** What clients may do, as variables: an executable of an older ref ignores those that it does not know. */
type Budgets = Readonly<Record<string, string>>

/** No limits on what one connection and one address may do: it is what is measured. */
export const NO_BUDGETS: Budgets = {
  PALAVA_RATE_PER_SECOND: "0",
  PALAVA_JOINS_PER_SECOND: "0",
  PALAVA_OUTPUT_KB_PER_SECOND: "0",
  PALAVA_ADDRESS_SHARE: "0",
  PALAVA_ADDRESS_CONNECTIONS: "0",
  PALAVA_ADDRESS_CONNECTS_PER_SECOND: "0",
}

/** Budgets that are charged and checked like any, and that no load uses up. */
export const AMPLE_BUDGETS: Budgets = {
  PALAVA_RATE_PER_SECOND: "10000000",
  PALAVA_RATE_BURST: "10000000",
  PALAVA_JOINS_PER_SECOND: "1000000",
  PALAVA_OUTPUT_KB_PER_SECOND: "10000000",
  PALAVA_ADDRESS_CONNECTS_PER_SECOND: "1000000",
}

/** As NO_BUDGETS, and nothing is kept of what happens in rooms. */
export const NO_TRACE: Budgets = { ...NO_BUDGETS, PALAVA_TRACE_ROOMS: "false" }

/** Of every server of ours. */
export function serverFlags(certificate?: CertificateFiles): string[] {
  const secure = certificate ? ["--tls-cert", certificate.cert, "--tls-key", certificate.key] : []
  return ["--port", "0", "--admin-listen", "off", "--room-size", "1000", "--log-level", "error", ...secure]
}

/** What it prints when it takes connections, with its port. */
export const SERVER_READY = /socket\s+wss?:\/\/\S+:(\d+)\//

async function startPalava(
  executable: string,
  certificate: CertificateFiles | undefined,
  more: readonly string[] = [],
  budgets: Budgets = NO_BUDGETS,
): Promise<Started> {
  return start([executable, ...serverFlags(certificate), ...more], SERVER_READY, budgets)
}

async function launchOne(
  startOne: () => Promise<Started>,
  dialect: DialectName,
  certificate: CertificateFiles | undefined,
  lostBy: NodeJS.Signals = "SIGKILL",
): Promise<RunningServer> {
  let running = await startOne()
  const where = (): Refuge => ({ addresses: at(Number(running.match[1]), certificate), pids: [running.pid] })
  return {
    dialect,
    ...where(),
    async lose() {
      await running.stop(lostBy)
      running = await startOne()
      return where()
    },
    stop: () => running.stop(),
  }
}

/** A Redis of our own that keeps nothing. */
export async function startRedis(): Promise<{ url: string; pid: number; stop(): Promise<void> }> {
  const port = freePort()
  const flags = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
  const { pid, stop } = await start(["redis-server", ...flags], /Ready to accept connections/)
  return { url: `redis://127.0.0.1:${port}`, pid, stop }
}

async function launchNodes(
  count: number,
  dialect: DialectName,
  certificate: CertificateFiles | undefined,
  startNode: (redisUrl: string, node: number) => Promise<Started>,
): Promise<RunningServer> {
  const redis = await startRedis()
  const redisUrl = redis.url
  const nodes = await Promise.all(Array.from({ length: count }, (_, node) => startNode(redisUrl, node)))
  return {
    dialect,
    addresses: nodes.flatMap((node) => at(Number(node.match[1]), certificate)),
    pids: nodes.map((node) => node.pid),
    redisUrl,
    redisPid: redis.pid,
    async lose() {
      const [first, other] = nodes as [Started, Started]
      await first.stop()
      return { addresses: at(Number(other.match[1]), certificate), pids: [other.pid] }
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
      await redis.stop()
    },
  }
}

/** This checkout's executable. */
export const EXECUTABLE = join(ROOT, "dist/palava-machine")

/** One node of the server, spoken to in one of its dialects. */
export function palava(executable = EXECUTABLE, dialect: DialectName = "palava", budgets = NO_BUDGETS): Launch {
  need(executable, "run make build")
  return (certificate) => launchOne(() => startPalava(executable, certificate, [], budgets), dialect, certificate)
}

/** One node that leaves to its next start who may come back. */
export function palavaWithState(): Launch {
  need(EXECUTABLE, "run make build")
  const flags = [
    "--state-file",
    join(mkdtempSync(join(tmpdir(), "palava-machine-bench-")), "state"),
    "--shutdown-seconds",
    "0",
  ]
  return (certificate) => launchOne(() => startPalava(EXECUTABLE, certificate, flags), "palava", certificate, "SIGTERM")
}

/** So many nodes of the server and a Redis. */
export function palavaOnNodes(count: number, executable = EXECUTABLE, dialect: DialectName = "palava"): Launch {
  need(executable, "run make build")
  return (certificate) =>
    launchNodes(count, dialect, certificate, (redisUrl) => startPalava(executable, certificate, ["--redis", redisUrl]))
}

const built = new Map<string, Promise<string>>()

/** Compiles a server of this folder, once a run. */
function buildBare(name: string): Promise<string> {
  const known = built.get(name)
  if (known !== undefined) return known
  const executable = join(ROOT, `dist/bench-${name}`)
  const compile = [process.execPath, ...COMPILE, join(ROOT, `bench/servers/${name}.ts`), "--outfile", executable]
  const building = run(compile, ROOT).then(() => executable)
  built.set(name, building)
  return building
}

function bareVariables(certificate: CertificateFiles | undefined): Record<string, string> {
  return { PORT: "0", ...(certificate && { TLS_CERT: certificate.cert, TLS_KEY: certificate.key }) }
}

function bare(name: "forwarder" | "floor"): Launch {
  return async (certificate) => {
    const executable = await buildBare(name)
    const variables = bareVariables(certificate)
    return launchOne(() => start([executable], SERVER_READY, variables), name, certificate)
  }
}

/** The bare forwarder. */
export const forwarder: Launch = bare("forwarder")

/** The floor: the least that a relay does which stamps its sender. */
export const floor: Launch = bare("floor")

/** So many bare forwarders on one port. */
export function forwarderWithWorkers(workers: number): Launch {
  return async (certificate) => {
    const executable = await buildBare("forwarder")
    const port = freePort()
    const variables = { ...bareVariables(certificate), PORT: String(port), SHARED: "1" }
    const all = await Promise.all(Array.from({ length: workers }, () => start([executable], SERVER_READY, variables)))
    return {
      dialect: "forwarder",
      addresses: at(port, certificate),
      pids: all.map(({ pid }) => pid),
      async stop() {
        await Promise.all(all.map(({ stop }) => stop()))
      },
    }
  }
}

/** Two forwarders with one Redis PUBLISH for each message. */
export const forwarderOnTwoNodes: Launch = async (certificate) => {
  const executable = await buildBare("forwarder")
  return launchNodes(2, "forwarder", certificate, (redisUrl, node) =>
    start([executable], SERVER_READY, {
      ...bareVariables(certificate),
      REDIS_URL: redisUrl,
      NODE_NAME: String(node),
      NODE_PEER: String(1 - node),
    }),
  )
}

/** peerjs-server (npm: peer), as its users start it. */
export const peerjs: Launch = async () => {
  const port = freePort()
  const script = join(PACKAGES, "peer/dist/bin/peerjs.js")
  const { pid, stop } = await start(["node", script, "--port", String(port)], /Started PeerServer/)
  return { dialect: "peerjs", addresses: at(port), pids: [pid], stop }
}

/** y-webrtc's signaling server, as its users start it. */
export const yWebrtc: Launch = async () => {
  const port = freePort()
  const script = join(PACKAGES, "y-webrtc/bin/server.js")
  const { pid, stop } = await start(["node", script], /Signaling server running/, { PORT: String(port) })
  return { dialect: "y-webrtc", addresses: at(port), pids: [pid], stop }
}

/** Builds the executable of a git ref in a worktree in the temporary folder; the caller removes the folder. */
export async function buildRef(ref: string): Promise<{ executable: string; remove(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "palava-machine-base-"))
  const tree = join(folder, "tree")
  await run(["git", "worktree", "add", "--detach", tree, ref], ROOT)
  const remove = async (): Promise<void> => {
    await run(["git", "worktree", "remove", "--force", tree], ROOT)
    await run(["rm", "-rf", folder])
  }
  try {
    await run(["make", "build"], tree)
  } catch (error) {
    await remove()
    throw error
  }
  return { executable: join(tree, "dist/palava-machine"), remove }
}
