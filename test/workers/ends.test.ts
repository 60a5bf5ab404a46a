// How a server with workers starts, ends and does not start: whatever happens to its first process, none is left behind.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, startNode } from "../helpers/node.ts"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { lives, startWorkers } from "./server.ts"

const GONE = { code: 1001, reason: "server shuts down" }

let redis: RedisServer
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "palava-workers-"))
  redis = await startRedis()
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await redis[Symbol.asyncDispose]()
})

for (const [what, args, line] of [
  ["without Redis", ["--workers", "2"], "--workers: needs --redis or --redis-cluster"],
  ["as many as there are CPUs, without Redis", ["--workers", "auto"], "--workers: needs --redis or --redis-cluster"],
  ["none", ["--workers", "0"], '--workers: must be a whole number from 1 to 256, or auto, but is "0"'],
  ["too many", ["--workers", "257"], "--workers: must be a whole number from 1 to 256, or auto, but is "],
  ["with --replace", ["--workers", "2", "--replace", "--state-file", "x"], "--replace and --workers: give one of them"],
] as const) {
  test(`${what}: one line, exit code 2`, async () => {
    const needed = what.startsWith("with --replace") ? ["--redis", redis.url] : []
    const { code, stdout, stderr } = await runExecutable([...args, ...needed])
    expect([code, stdout]).toEqual([2, ""])
    expect(stderr).toStartWith(`palava-machine: ${line}`)
    expect(stderr.trimEnd().split("\n")).toHaveLength(1)
  })
}

test("the variable that makes a worker is refused from anybody else", async () => {
  const { code, stderr } = await runExecutable([], { PALAVA_WORKER: '{"number":1,"port":0}' })
  expect(code).toBe(2)
  expect(stderr).toContain("PALAVA_WORKER is set")
})

test("flag, variable and file; check-config tells them", async () => {
  const file = join(folder, "palava.toml")
  writeFileSync(file, 'workers = "auto"\nredis = "localhost"\n')
  const told = async (args: readonly string[], env: Record<string, string> = {}) =>
    /^workers = .*$/m.exec((await runExecutable(["check-config", "--config", file, ...args], env)).stdout)?.[0]
  expect(await told([])).toBe(`workers = "auto"  # ${file}: workers`)
  expect(await told([], { PALAVA_WORKERS: "3" })).toBe("workers = 3  # PALAVA_WORKERS")
  expect(await told(["--workers", "4"], { PALAVA_WORKERS: "3" })).toBe("workers = 4  # --workers")
})

test("what a worker cannot be started with ends all, told once", async () => {
  const plugin = join(folder, "broken.ts")
  writeFileSync(plugin, "export default 1\n")
  const args = ["--port", "0", "--admin-listen", "off", "--workers", "3", "--redis", redis.url, "--plugin", plugin]
  const { code, stdout, stderr } = await runExecutable(args)
  expect([code, stdout]).toEqual([2, ""])
  expect(stderr.trimEnd().split("\n")).toHaveLength(1)
  expect(stderr).toStartWith(`palava-machine: --plugin ${plugin}`)
})

test("a port that another server has: one line, exit code 1", async () => {
  await using other = await startNode()
  const args = ["--host", "127.0.0.1", "--admin-listen", "off", "--workers", "2", "--redis", redis.url]
  const { code, stderr } = await runExecutable([...args, "--port", String(other.port)])
  expect(code).toBe(1)
  expect(stderr).toBe(
    `palava-machine: --port: cannot listen on 127.0.0.1:${other.port}: the port is taken by another program (ss -ltnp shows which)\n`,
  )
})

test("SIGTERM: clients of all workers hear it, all end in time", async () => {
  await using server = await startWorkers(redis, ["--shutdown-seconds", "1"])
  const workers = server.workers()
  expect(workers).toHaveLength(2)
  const clients = await Promise.all(Array.from({ length: 12 }, () => TestClient.connect(server.url)))
  for (const client of clients) await client.join("end")
  const begin = performance.now()
  server.kill("SIGTERM")
  for (const client of clients) expect(await client.next("shutdown")).toEqual({ event: "shutdown", seconds: 1 })
  for (const client of clients) expect(await client.closed).toEqual(GONE)
  expect(await server.exited).toBe(0)
  // 1 s announced, and at most 1.5 s for the rest: nobody here can come back.
  expect(performance.now() - begin).toBeLessThan(4_000)
  for (const pid of workers) expect(lives(pid)).toBe(false)
  expect(server.complaints()).toBe("")
})

test("a second SIGTERM ends at once, whatever a worker does", async () => {
  await using server = await startWorkers(redis, ["--shutdown-seconds", "3600"])
  const workers = server.workers()
  await using client = await TestClient.connect(server.url)
  await client.join("end")
  process.kill(workers[0] as number, "SIGSTOP")
  server.kill("SIGTERM")
  await server.logged(/"worker":2,.*"stopping"/)
  server.kill("SIGTERM")
  const begin = performance.now()
  expect(await server.exited).toBe(0)
  expect(performance.now() - begin).toBeLessThan(3_000)
  for (const pid of workers) expect(lives(pid)).toBe(false)
})

test("kill -9 of the supervisor alone leaves no process, and clients are told", async () => {
  await using server = await startWorkers(redis)
  const workers = server.workers()
  const clients = await Promise.all(Array.from({ length: 8 }, () => TestClient.connect(server.url)))
  for (const client of clients) await client.join("end")
  process.kill(server.pid, "SIGKILL")
  for (const client of clients) expect(await client.closed).toEqual(GONE)
  await poll(() => !workers.some(lives))
})

test("the workers' sockets are in a folder that only their user can enter, and go with it", async () => {
  const temporary = join(folder, "temporary")
  mkdirSync(temporary)
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await using server = await startWorkers(redis, ["--shutdown-seconds", "0"], { TMPDIR: temporary })
    const workers = server.workers()
    const [own] = readdirSync(temporary)
    const sockets = join(temporary, own ?? "")
    expect(statSync(sockets).mode & 0o777).toBe(0o700)
    expect(readdirSync(sockets)).toHaveLength(2)
    process.kill(workers[0] as number, "SIGKILL")
    await poll(async () => server.workers().length === 2 && (await server.metric("palava_workers")) === 2)
    expect(readdirSync(sockets)).toHaveLength(2)
    process.kill(server.pid, signal)
    await server.exited
    await poll(() => readdirSync(temporary).length === 0)
  }
})

test("without a place for sockets they relay over Redis, and it is said", async () => {
  await using server = await startWorkers(redis, [], { TMPDIR: join(folder, "nowhere") })
  expect(server.log()).toContain("no folder for the workers' sockets: they relay over Redis")
  const clients = await Promise.all(Array.from({ length: 12 }, () => TestClient.connect(server.url)))
  for (const client of clients) await client.join("over-redis")
  const [one, ...others] = clients as [TestClient, ...TestClient[]]
  for (const { ownId } of others) one.send({ event: "send_to_peer", peer_id: ownId, data: { event: "message" } })
  for (const other of others) await other.next("message")
  expect(await server.metric("palava_node_relays_total", 'direction="sent"')).toBeGreaterThan(0)
  expect(await server.metric("palava_node_relays_near_total")).toBe(0)
})

test("a worker that hangs is killed and replaced", async () => {
  await using server = await startWorkers(redis)
  const [victim] = server.workers()
  process.kill(victim as number, "SIGSTOP")
  await server.logged(/"worker":1,.*"a worker does not answer and is killed"/)
  await poll(async () => (await server.metric("palava_workers")) === 2 && server.workers().length === 2)
  expect(server.workers()).not.toContain(victim as number)
}, 60_000)
