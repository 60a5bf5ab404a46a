// Redis for tests: servers of our own on free ports with their own temporary directories, a cluster of them, and a
// proxy that does to a connection what networks do. Everything ends with its `await using`.

import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A running redis-server. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly pid: number
  /** Runs one command with redis-cli: its output. */
  cli(...words: string[]): Promise<string>
  /** Starts it again on the same port; `keepData`: with what it had saved. */
  restart(options?: { keepData?: boolean }): Promise<void>
  /** Kills it (SIGKILL), without saving. */
  kill(): Promise<void>
}

/**
 * Starts a redis-server with further arguments. Its data goes to the system at once (append-only file), to survive a
 * kill; not to the disk, whose pace would become that of the tests.
 */
export async function startRedis(...args: string[]): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), "palava-redis-"))
  const port = await freePort()
  let server = await spawnRedis(port, directory, args)
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return server.pid
    },
    cli: (...words) => redisCli(port, words),
    async kill() {
      server.kill("SIGKILL")
      await server.exited
    },
    async restart({ keepData = true } = {}) {
      server.kill("SIGKILL")
      await server.exited
      if (!keepData) await rm(join(directory, "appendonlydir"), { recursive: true, force: true })
      server = await spawnRedis(port, directory, args)
    },
    async [Symbol.asyncDispose]() {
      server.kill("SIGKILL")
      await server.exited
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A running Redis Cluster. */
export interface RedisClusterServers extends AsyncDisposable {
  readonly masters: readonly RedisServer[]
  readonly replicas: readonly RedisServer[]
  readonly urls: readonly string[]
}

const SLOTS = 16384

/** Starts a cluster of three masters, with a replica each when asked. */
export async function startCluster({ withReplicas = false, nodeTimeoutMs = 1000 } = {}): Promise<RedisClusterServers> {
  const count = withReplicas ? 6 : 3
  const busPorts = await freePorts(count)
  const servers = await Promise.all(
    busPorts.map((busPort) =>
      startRedis(
        ...["--cluster-enabled", "yes", "--cluster-port", String(busPort)],
        ...["--cluster-node-timeout", String(nodeTimeoutMs), "--cluster-replica-validity-factor", "0"],
      ),
    ),
  )
  const masters = servers.slice(0, 3)
  const replicas = servers.slice(3)
  const share = Math.ceil(SLOTS / masters.length)
  await Promise.all(
    masters.map((server, at) =>
      server.cli("CLUSTER", "ADDSLOTSRANGE", String(at * share), String(Math.min(SLOTS, (at + 1) * share) - 1)),
    ),
  )
  const first = masters[0] as RedisServer
  for (const [at, server] of servers.entries()) {
    if (at > 0) await first.cli("CLUSTER", "MEET", "127.0.0.1", String(server.port), String(busPorts[at]))
  }
  const knowsAll = async (server: RedisServer) =>
    (await server.cli("CLUSTER", "NODES")).trim().split("\n").length === count &&
    !(await server.cli("CLUSTER", "NODES")).includes("handshake") &&
    (await server.cli("CLUSTER", "INFO")).includes("cluster_state:ok")
  for (const server of servers) await poll(() => knowsAll(server))
  for (const [at, replica] of replicas.entries()) {
    const id = (await (masters[at] as RedisServer).cli("CLUSTER", "MYID")).trim()
    await replica.cli("CLUSTER", "REPLICATE", id)
  }
  for (const replica of replicas) {
    await poll(async () => (await replica.cli("INFO", "replication")).includes("master_link_status:up"))
  }
  return {
    masters,
    replicas,
    urls: masters.map(({ url }) => url),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
    },
  }
}

/** A TCP proxy in front of a port. */
export interface NetworkProxy extends AsyncDisposable {
  readonly port: number
  /** Where new connections go. */
  target: number
  /** Milliseconds by which bytes arrive later, in both directions. */
  delayMs: number
  /** Whether new connections are refused. */
  isRefusing: boolean
  /** Lets open connections go half-open: their bytes vanish from now on, in both directions, without a word. */
  freeze(): void
  /** As `freeze`, for what comes from the target alone: it still hears what is sent to it. */
  freezeAnswers(): void
  /** Resets all open connections. */
  reset(): void
}

/** Starts a proxy to `target`. */
export async function startProxy(target: number): Promise<NetworkProxy> {
  const sockets = new Set<Socket>()
  const upstreams = new WeakSet<Socket>()
  const frozen = new WeakSet<Socket>()
  const pass = (from: Socket, to: Socket) => {
    sockets.add(from)
    const late: { bytes: Buffer; dueAt: number }[] = []
    const writeDue = () => {
      while (late[0] !== undefined && late[0].dueAt <= performance.now()) to.write(late.shift()?.bytes as Buffer)
      if (late[0] !== undefined) setTimeout(writeDue, late[0].dueAt - performance.now())
    }
    from.on("data", (bytes: Buffer) => {
      if (frozen.has(from)) return
      if (proxy.delayMs === 0 && late.length === 0) {
        to.write(bytes)
        return
      }
      const dueAt = Math.max(performance.now() + proxy.delayMs, late.at(-1)?.dueAt ?? 0)
      if (late.push({ bytes, dueAt }) === 1) setTimeout(writeDue, proxy.delayMs)
    })
    from.on("close", () => {
      sockets.delete(from)
      if (!frozen.has(from)) to.destroy()
    })
    from.on("error", () => {})
  }
  const server = createServer((client) => {
    if (proxy.isRefusing) {
      client.resetAndDestroy()
      return
    }
    const upstream = connect(proxy.target, "127.0.0.1")
    upstreams.add(upstream)
    pass(client, upstream)
    pass(upstream, client)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const proxy: NetworkProxy = {
    port: portOf(server.address()),
    target,
    delayMs: 0,
    isRefusing: false,
    freeze() {
      for (const socket of sockets) frozen.add(socket)
    },
    freezeAnswers() {
      for (const socket of sockets) if (upstreams.has(socket)) frozen.add(socket)
    },
    reset() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}

/** Resolves when `isTrue` says so; asks again every `pauseMs`, for what has no event to wait for. */
export async function poll(isTrue: () => boolean | Promise<boolean>, timeoutMs = 20_000, pauseMs = 10): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs
  while (!(await isTrue())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${timeoutMs} ms: ${isTrue}`)
    await Bun.sleep(pauseMs)
  }
}

/** A port nobody listens on. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  return port as number
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))))
  const ports = servers.map((server) => portOf(server.address()))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function portOf(address: string | { port: number } | null): number {
  return typeof address === "object" && address !== null ? address.port : 0
}

async function spawnRedis(port: number, directory: string, args: readonly string[]) {
  const server = Bun.spawn(
    [
      ...["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""],
      ...["--appendonly", "yes", "--appendfsync", "no", ...args],
    ],
    { stdout: "pipe", stderr: "inherit" },
  )
  const decoder = new TextDecoder()
  let output = ""
  const reader = server.stdout.getReader()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`redis-server ended: ${output}`)
    output += decoder.decode(value)
    if (output.includes("Ready to accept connections")) break
  }
  reader.releaseLock()
  void server.stdout.pipeTo(new WritableStream()).catch(() => {})
  return server
}

async function redisCli(port: number, words: readonly string[]): Promise<string> {
  const cli = Bun.spawn(["redis-cli", "-p", String(port), ...words], { stdout: "pipe", stderr: "inherit" })
  return await new Response(cli.stdout).text()
}
