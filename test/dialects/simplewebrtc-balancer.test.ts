// Two nodes behind a balancer that sends each request to another one, as it likes: HAProxy with nothing that would keep a
// client at its node. The unchanged socket.io-client polls first.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startNode, type TestNode } from "../helpers/node.ts"
import { freePort, poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { engineUrl } from "./engine-client.ts"
import { ask, connectReal, once, type RealSocket } from "./real-client.ts"

/** Enough that, but for one time in thousands, each node has one of them. */
const CLIENTS = 12

let redis: RedisServer
let nodes: readonly TestNode[]
let folder: string
let balancer: Bun.Subprocess
let url: string

beforeAll(async () => {
  redis = await startRedis()
  nodes = await Promise.all([startNode(["--redis", redis.url]), startNode(["--redis", redis.url])])
  folder = await mkdtemp(join(tmpdir(), "palava-balancer-"))
  const port = await freePort()
  const servers = nodes.map((node, at) => `  server node${at} 127.0.0.1:${node.port}`).join("\n")
  const file = join(folder, "haproxy.cfg")
  await writeFile(
    file,
    `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
listen all
  bind 127.0.0.1:${port}
  balance roundrobin
${servers}
`,
  )
  const env = { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` }
  balancer = Bun.spawn(["haproxy", "-db", "-f", file], { env, stdout: "ignore", stderr: "inherit" })
  url = `http://127.0.0.1:${port}/`
  await poll(async () => {
    const response = await fetch(engineUrl(url, "polling")).catch(() => undefined)
    return response?.status === 200
  })
})

afterAll(async () => {
  balancer.kill()
  await balancer.exited
  await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
  await redis[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

test("clients that poll first meet, on whichever node their WebSocket is", async () => {
  const sockets: RealSocket[] = []
  for (let at = 0; at < CLIENTS; at++) {
    const socket = await connectReal(url, ["polling", "websocket"])
    expect(socket.io.engine.transport.name).toBe("websocket")
    const others = Object.fromEntries(sockets.map(({ id }) => [id, { screen: false, video: true, audio: false }]))
    expect(await ask(socket, "join", "balanced")).toEqual([null, { clients: others }])
    sockets.push(socket)
  }
  for (const node of nodes) expect(await node.metric("palava_connections")).toBeGreaterThan(0)
  const [first] = sockets as [RealSocket]
  for (const other of sockets.slice(1)) {
    const heard = once(other, "message")
    first.emit("message", { to: other.id, type: "offer" })
    expect(await heard).toEqual([{ to: other.id, type: "offer", from: first.id }])
  }
  const gone = sockets.slice(1).map((socket) => once(socket, "remove"))
  const { id } = first
  first.disconnect()
  for (const one of gone) expect(await one).toEqual([{ id }])
  for (const socket of sockets) socket.disconnect()
})

test("whoever has no WebSocket is told after a while that there is no session", async () => {
  const old = `${(Date.now() - 70_000).toString(36)}-${crypto.randomUUID()}`
  for (const method of ["GET", "POST"]) {
    const response = await fetch(engineUrl(url, "polling", { sid: old }), { method })
    expect([response.status, await response.json()]).toEqual([400, { code: 1, message: "Session ID unknown" }])
  }
})

test("an id that is open already is not given twice, and not taken in its room at another node", async () => {
  const [one, two] = nodes as [TestNode, TestNode]
  const victim = await connectReal(one.httpUrl, ["polling", "websocket"])
  expect(await ask(victim, "join", "mine")).toEqual([null, { clients: {} }])
  const socketUrl = (node: TestNode) => engineUrl(node.httpUrl, "websocket", { sid: victim.id }).replace("http", "ws")
  const same = new WebSocket(socketUrl(one))
  expect(await new Promise((resolve) => same.addEventListener("close", ({ code }) => resolve(code)))).toBe(1002)

  const other = new WebSocket(socketUrl(two))
  const heard: string[] = []
  other.addEventListener("message", ({ data }) => heard.push(String(data)))
  await new Promise((resolve) => other.addEventListener("open", resolve))
  for (const packet of ["2probe", "5", '420["join","mine"]']) other.send(packet)
  await poll(() => heard.includes('430["unavailable"]'))
  expect(await ask(victim, "join", "mine")).toEqual([null, { clients: {} }])
  other.close()
  victim.disconnect()
})
