// Several workers as one server: clients are spread over them, meet each other, and operators see one server.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { OrderAnswer } from "../../src/admin/reports.ts"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, type TestNode } from "../helpers/node.ts"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { ask, loadOf, meetAcross, say, startWorkers } from "./server.ts"

const CLIENTS = 200

let redis: RedisServer
let server: TestNode
beforeAll(async () => {
  redis = await startRedis()
  server = await startWorkers(redis)
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
})

test("200 connections are spread within 35:65, and counted once", async () => {
  await using stack = new AsyncDisposableStack()
  const before = await server.metric("palava_connections_opened_total")
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => TestClient.connect(server.url)))
  for (const client of clients) {
    stack.use(client)
    client.send({ event: "ping" })
  }
  await Promise.all(clients.map((client) => client.next("pong")))
  const load = (await loadOf(server)).map(({ connections }) => connections)
  console.log(`      ${load.join(" and ")} connections`)
  expect(load.reduce((sum, count) => sum + count, 0)).toBe(CLIENTS)
  expect(Math.min(...load)).toBeGreaterThanOrEqual(0.35 * CLIENTS)
  expect(await server.metric("palava_connections")).toBe(CLIENTS)
  expect((await server.metric("palava_connections_opened_total")) - before).toBe(CLIENTS)
})

test("peers at different workers set up a call", async () => {
  await using stack = new AsyncDisposableStack()
  const { one, other, clients } = await meetAcross(server, stack, "across")
  say(one, other, { event: "offer", sdp: "o" })
  expect(await other.next()).toEqual({ event: "offer", sdp: "o", sender_id: one.ownId })
  say(other, one, { event: "answer", sdp: "a" })
  expect(await one.next()).toEqual({ event: "answer", sdp: "a", sender_id: other.ownId })
  const before = await server.metric("palava_room_command_seconds_count", 'command="leave"')
  await Promise.all(clients.map((client) => client.close()))
  const left = async () => (await server.metric("palava_room_command_seconds_count", 'command="leave"')) - before
  await poll(async () => (await left()) === clients.length)
})

test("metrics are of all: histograms whole, what is told of a build once", async () => {
  const text = await (await fetch(`${server.adminUrl}metrics`)).text()
  const lines = text.split("\n")
  expect(lines.filter((line) => line.startsWith("palava_build_info{"))).toHaveLength(1)
  expect(lines).toContain("palava_workers 2")
  expect(lines).toContain("palava_store_up 1")
  const names = lines.filter((line) => line.startsWith("# TYPE")).map((line) => line.split(" ")[2])
  expect(names).toEqual([...new Set(names)])
  const joins = (part: string): number =>
    Number(
      lines
        .find((line) => line.startsWith(`palava_room_command_seconds_${part}{command="join"`))
        ?.split(" ")
        .at(-1),
    )
  const all = lines.filter((line) => line.startsWith('palava_room_command_seconds_bucket{command="join"'))
  expect(Number(all.at(-1)?.split(" ").at(-1))).toBe(joins("count"))
  expect(await server.metric("palava_joined_room_total")).toBe(joins("count"))
  expect(joins("count")).toBeGreaterThan(0)
})

test("an order for the server is for all workers, one for a node for that one", async () => {
  const run = (...args: string[]) => runExecutable([...args, "--admin", server.adminUrl])
  const drained = await run("drain")
  expect(drained.stdout.match(/: draining,/g)).toHaveLength(2)
  const ready = await fetch(`${server.adminUrl}readyz`)
  expect([ready.status, await ready.text()]).toEqual([503, "not ready: worker 1: draining, worker 2: draining\n"])
  const [first] = (await ask<{ nodes: OrderAnswer[] }>(server, "nodes")).nodes
  await run("undrain", "--node", first?.node ?? "")
  const half = await fetch(`${server.adminUrl}readyz`, { headers: { accept: "application/json" } })
  const { workers, ...about } = (await half.json()) as {
    workers: { worker: number; node: string; reasons: string[] }[]
  }
  expect(about).toMatchObject({ ready: false })
  for (const { node, reasons } of workers) expect(reasons).toEqual(node === first?.node ? [] : ["draining"])
  await run("undrain")
  expect(await (await fetch(`${server.adminUrl}readyz`)).text()).toBe("ready\n")
})

test("the operators' listener is guarded as ever", async () => {
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${server.adminUrl}api/nodes`, { headers })).status
  expect(await status({})).toBe(200)
  expect(await status({ host: "evil.example" })).toBe(421)
  expect(await status({ origin: "https://evil.example" })).toBe(403)
  // A form of another page could send it, if it were not for its type.
  const plain = await fetch(`${server.adminUrl}api/restart-workers`, { method: "POST", body: "{}" })
  expect(plain.status).toBe(415)
  const lost = await fetch(`${server.adminUrl}nothing`)
  expect([lost.status, lost.headers.get("content-type")]).toEqual([404, "text/plain;charset=utf-8"])
  const page = await fetch(server.adminUrl)
  expect(page.headers.get("content-type")).toStartWith("text/html")
  expect(page.headers.get("content-security-policy")).toContain("script-src")
})

test("lines of workers have their number, and go where the others go", async () => {
  const lines = server.log().trimEnd().split("\n")
  const all = lines.map((line) => JSON.parse(line) as { worker?: number; msg: string })
  const listening = all.filter(({ msg }) => msg === "listening").map(({ worker }) => worker)
  expect(listening).toEqual([1, 2])
  const from = server.log().length
  await fetch(`${server.adminUrl}api/log-level`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ level: "warn" }),
  })
  for (const worker of [1, 2]) await server.logged(new RegExp(`"worker":${worker},.*"log level changed"`), from)
})
