// Operators' commands against the executable: one node by itself, and two with one Redis.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { toRoomKey } from "../../src/rooms/ids.ts"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, startNode, type TestNode } from "../helpers/node.ts"
import { freePort, poll, type RedisServer, startRedis } from "../helpers/redis.ts"

const KEY = toRoomKey("tea")

const HASH = "palava-machine: room: HASH must be the first 6 to 64 hex digits of a room's hash"

/** Runs a command against a node. */
function run(node: TestNode, ...args: string[]) {
  return runExecutable([...args, "--admin", node.adminUrl])
}

/** What it prints as JSON; it must have worked. */
async function ask<T = Record<string, unknown>>(node: TestNode, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await run(node, ...args, "--json")
  expect([code, stderr]).toEqual([0, ""])
  return JSON.parse(stdout) as T
}

describe("one node", () => {
  let node: TestNode
  beforeAll(async () => {
    node = await startNode()
  })
  afterAll(() => node[Symbol.asyncDispose]())

  test("nodes, rooms, room: what there is, in a table and as JSON", async () => {
    await using ada = await TestClient.connect(node.url)
    await using ben = await TestClient.connect(node.url)
    await ada.join("tea")
    await ben.join("tea")
    const { nodes } = await ask<{ nodes: Record<string, unknown>[] }>(node, "nodes")
    expect(nodes).toEqual([
      expect.objectContaining({ connections: 2, rooms: 1, members: 2, held: 0, reasons: [], lease_ms: null }),
    ])
    const table = (await run(node, "nodes")).stdout.split("\n")
    expect(table[0]).toMatch(/^node +version +state +lease +up +connections +rooms +members +memory +log$/)
    expect(table[1]).toMatch(/^[0-9a-f]{8} +\S+ +ready +- +\d+ s +2 +1 +2 +\d+ MiB +info$/)

    expect(await ask(node, "rooms")).toEqual({
      total: 1,
      rooms: [{ room: KEY, members: 2, nodes: [nodes[0]?.["node"]], since: expect.any(Number) }],
      gone: [],
      silent: [],
    })
    expect((await run(node, "rooms")).stdout).toMatch(new RegExp(`^room .*\n${KEY.slice(0, 10)} +2 +`))

    for (const args of [
      ["room", KEY],
      ["room", KEY.slice(0, 10).toUpperCase()],
      ["room", "--name", "tea"],
    ]) {
      const { members } = await ask<{ members: { peer: string; held: boolean }[] }>(node, ...args)
      expect(members.map(({ peer, held }) => [peer, held])).toEqual([
        [ada.ownId, false],
        [ben.ownId, false],
      ])
    }
    expect((await run(node, "room", KEY)).stdout).toContain(`${ada.ownId}  ${String(nodes[0]?.["node"]).slice(0, 8)}`)
  })

  test("a room of another dialect is found by its name", async () => {
    const socket = new WebSocket(`${node.url}any`)
    await new Promise((resolve) => {
      socket.onopen = resolve
    })
    socket.send(JSON.stringify({ type: "subscribe", topics: ["doc"] }))
    await poll(async () => ((await ask<{ total: number }>(node, "rooms")).total ?? 0) > 0)
    expect(await ask(node, "room", "--name", "doc")).toMatchObject({ room: toRoomKey("doc", "y-webrtc") })
    socket.close()
  })

  test("kick parts from one, close-room from all; the log says who ordered it, and no name", async () => {
    await using ada = await TestClient.connect(node.url)
    await using ben = await TestClient.connect(node.url)
    await using eve = await TestClient.connect(node.url)
    await ada.join("secret tea")
    await ben.join("secret tea")
    await eve.join("secret tea")
    expect(await ask(node, "kick", eve.ownId)).toEqual({ node: expect.any(String), peer: eve.ownId })
    expect(await eve.closed).toEqual({ code: 4503, reason: "removed by an operator" })
    expect((await ada.next("peer_left"))["sender_id"]).toBe(eve.ownId)
    expect(await ask(node, "close-room", "--name", "secret tea")).toEqual({
      room: toRoomKey("secret tea"),
      members: 2,
      silent: [],
    })
    expect([(await ada.closed).code, (await ben.closed).code]).toEqual([4503, 4503])
    expect(await ask(node, "room", "--name", "secret tea")).toMatchObject({ members: [] })
    const orders = node
      .log()
      .split("\n")
      .filter((line) => line.includes("operator: "))
    expect(orders.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ by: "127.0.0.1", peer: eve.ownId, msg: "operator: kick" }),
      expect.objectContaining({ by: "127.0.0.1", members: 2, msg: "operator: close-room" }),
    ])
    expect(node.log()).not.toContain("secret")
  })

  test("who is away cannot come back after a kick", async () => {
    await using ada = await TestClient.connect(node.url)
    await using ben = await TestClient.connect(node.url)
    await ada.join("cake")
    ben.send({ event: "join_room", room_id: "cake", resume: true })
    const { own_id: peer } = await ben.next("joined_room")
    ben.terminate()
    await poll(async () => {
      const { members } = await ask<{ members: { held: boolean }[] }>(node, "room", "--name", "cake")
      return members.some(({ held }) => held)
    })
    await ask(node, "kick", String(peer))
    expect((await ada.next("peer_left"))["sender_id"]).toBe(peer)
  })

  test("drain: readiness is red, and everybody is served; undrain takes it back", async () => {
    await using ada = await TestClient.connect(node.url)
    await ada.join("tea")
    expect((await run(node, "drain")).stdout).toContain(": draining, ")
    const ready = async () => (await fetch(`${node.httpUrl}readyz`)).text()
    expect(await ready()).toBe("not ready: draining\n")
    await using ben = await TestClient.connect(node.url)
    await ben.join("tea")
    await ada.next("new_peer")
    expect((await run(node, "undrain")).stdout).toContain(": not draining, ")
    expect(await ready()).toBe("ready\n")
  })

  test("log-level changes the level of the running node, and says so whatever the level", async () => {
    await ask(node, "log-level", "silent")
    expect(await ask(node, "log-level", "debug")).toMatchObject({ log_level: "debug" })
    await ask(node, "log-level", "info")
    const lines = node
      .log()
      .split("\n")
      .filter((line) => line.includes("log level changed"))
    expect(lines.map((line) => JSON.parse(line).to)).toEqual(["silent", "debug", "info"])
  })

  test("--admin takes HOST:PORT as well as a URL", async () => {
    const { code } = await runExecutable(["nodes", "--admin", `127.0.0.1:${node.adminPort}`])
    expect(code).toBe(0)
  })

  test("one clear line for each failure, exit code 1", async () => {
    const failures: [string[], string][] = [
      [["kick", "nobody"], "palava-machine: nobody has the id nobody\n"],
      [["room", "abcdef"], "palava-machine: no room begins with abcdef\n"],
      [["room", "--name", "none"], 'palava-machine: no room is called "none"\n'],
      [["close-room", "--name", "none"], 'palava-machine: no room is called "none"\n'],
      [["drain", "--node", "ffffffff-f"], "palava-machine: no node begins with ffffffff-f\n"],
    ]
    for (const [args, stderr] of failures) expect(await run(node, ...args)).toEqual({ code: 1, stdout: "", stderr })
    const nowhere = `http://127.0.0.1:${await freePort()}/`
    const { code, stderr } = await runExecutable(["nodes", "--admin", nowhere])
    expect([code, stderr]).toEqual([1, expect.stringContaining(`${nowhere} cannot be asked: nobody listens there`)])
    const wrong = await runExecutable(["nodes", "--admin", node.httpUrl])
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("is no administration listener")])
  })

  test("one clear line for each mistake, exit code 2", async () => {
    const mistakes: [string[], string][] = [
      [["kick"], "palava-machine: kick: must be followed by PEER (see --help)\n"],
      [["kick", "one", "two"], "palava-machine: kick: takes one PEER, but has 2 (see --help)\n"],
      [["nodes", "--name", "tea"], "palava-machine: --name belongs to the commands token, room, close-room\n"],
      [["room"], "palava-machine: give the room's HASH or --name NAME\n"],
      [["room", KEY, "--name", "tea"], "palava-machine: give the room's HASH or --name NAME\n"],
      [["room", "tea"], `${HASH}, but is "tea"; a room by its name is --name NAME\n`],
      [["room", "abc"], `${HASH}, but is "abc"; a room by its name is --name NAME\n`],
      [["kick", "x".repeat(201)], "palava-machine: kick: PEER must be the id of a peer, of at most 200 characters\n"],
      [
        ["log-level", "loud"],
        'palava-machine: log-level: LEVEL must be one of debug, info, warn, error, silent, but is "loud"\n',
      ],
      [
        ["drain", "--node", "zzz"],
        'palava-machine: --node: must be the first digits of a node\'s id, as the command nodes lists them, but is "zzz"\n',
      ],
      [
        ["nodes", "--admin", "nowhere"],
        'palava-machine: --admin: must be HOST:PORT or an address such as http://127.0.0.1:4234/, but is "nowhere"\n',
      ],
      [
        ["nodes", "--admin-listen", "off"],
        "palava-machine: --admin-listen is off: --admin HOST:PORT names a listener\n",
      ],
    ]
    for (const [args, stderr] of mistakes) expect(await runExecutable(args)).toEqual({ code: 2, stdout: "", stderr })
  })

  test("the API takes orders as JSON alone, and small ones", async () => {
    const order = async (init: RequestInit) => {
      const response = await fetch(`${node.adminUrl}api/drain`, { method: "POST", ...init })
      return [response.status, ((await response.json()) as { error: string }).error]
    }
    const json = { "content-type": "application/json" }
    expect(await order({ body: "{}", headers: { "content-type": "text/plain" } })).toEqual([415, "not_json"])
    expect(await order({ method: "GET" })).toEqual([405, "wrong_method"])
    expect(await order({ body: "{", headers: json })).toEqual([400, "not_json"])
    expect(await order({ body: "[1]", headers: json })).toEqual([400, "bad_request"])
    expect(await order({ body: '{"nodes":"1"}', headers: json })).toEqual([400, "bad_request"])
    expect(await order({ body: " ".repeat(5000), headers: json })).toEqual([413, "too_large"])
    expect((await fetch(`${node.adminUrl}api/nodes`, { method: "DELETE" })).status).toBe(405)
    expect(await (await fetch(`${node.httpUrl}readyz`)).text()).toBe("ready\n")
  })
})

test("with a token: the right one is used, a wrong or missing one is said so, the log says that it was used", async () => {
  const folder = mkdtempSync(join(tmpdir(), "palava-token-"))
  try {
    const [right, wrong] = ["right", "wrong"].map((name) => join(folder, name)) as [string, string]
    writeFileSync(right, "0123456789abcdef", { mode: 0o600 })
    writeFileSync(wrong, "fedcba9876543210", { mode: 0o600 })
    await using node = await startNode(["--admin-token-file", right])
    const { code, stderr } = await run(node, "nodes")
    expect([code, stderr]).toEqual([1, expect.stringContaining("wants a token: --admin-token-file FILE")])
    expect((await run(node, "nodes", "--admin-token-file", wrong)).stderr).toContain("does not take this token")
    expect((await run(node, "drain", "--admin-token-file", right)).code).toBe(0)
    expect(node.log()).toContain('"by":"127.0.0.1, with the token","msg":"operator: drain"')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describe("two nodes with one Redis", () => {
  let redis: RedisServer
  let nodes: [TestNode, TestNode]
  beforeAll(async () => {
    redis = await startRedis()
    nodes = await Promise.all([startNode(["--redis", redis.url]), startNode(["--redis", redis.url])])
  })
  afterAll(async () => {
    for (const node of nodes) await node[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })

  test("each tells of both, and of the rooms and members of both", async () => {
    await using ada = await TestClient.connect(nodes[0].url)
    await using ben = await TestClient.connect(nodes[1].url)
    await using eve = await TestClient.connect(nodes[1].url)
    await ada.join("tea")
    await ben.join("tea")
    await eve.join("cake")
    for (const node of nodes) {
      const known = await ask<{ nodes: { node: string; lease_ms: number; connections: number }[] }>(node, "nodes")
      expect(known.nodes.map(({ connections }) => connections).sort()).toEqual([1, 2])
      for (const { lease_ms } of known.nodes) expect(lease_ms).toBeWithin(1, 10_001)
      const { rooms } = await ask<{ rooms: { room: string; members: number; nodes: string[] }[] }>(node, "rooms")
      expect(rooms.map(({ room, members, nodes }) => [room, members, nodes.length])).toEqual([
        [KEY, 2, 2],
        [toRoomKey("cake"), 1, 1],
      ])
      const { members } = await ask<{ members: { peer: string }[] }>(node, "room", "--name", "tea")
      expect(members.map(({ peer }) => peer)).toEqual([ada.ownId, ben.ownId])
      expect(await ask(node, "room", "--name", "cake")).toMatchObject({ members: [{ peer: eve.ownId }] })
    }
  })

  test("orders reach the node they are for", async () => {
    await using ada = await TestClient.connect(nodes[0].url)
    await using ben = await TestClient.connect(nodes[1].url)
    await using eve = await TestClient.connect(nodes[1].url)
    for (const client of [ada, ben, eve]) await client.join("tea")
    await ask(nodes[0], "kick", eve.ownId)
    expect((await eve.closed).code).toBe(4503)
    expect(nodes[1].log()).toContain("operator: kick")
    expect(await ask(nodes[0], "close-room", "--name", "tea")).toMatchObject({ members: 2 })
    expect([(await ada.closed).code, (await ben.closed).code]).toEqual([4503, 4503])

    const other = JSON.parse(
      nodes[1]
        .log()
        .split("\n")
        .find((line) => line.includes('"listening"')) ?? "",
    ).node
    await ask(nodes[0], "drain", "--node", other.slice(0, 8))
    expect((await fetch(`${nodes[0].httpUrl}readyz`)).status).toBe(200)
    expect(await (await fetch(`${nodes[1].httpUrl}readyz`)).text()).toBe("not ready: draining\n")
    expect(await ask(nodes[1], "undrain")).toMatchObject({ draining: false })
  })

  test("a node that does not answer is named, and so is a Redis that is away", async () => {
    await using own = await startRedis()
    await using one = await startNode(["--redis", own.url])
    await using two = await startNode(["--redis", own.url])
    await poll(async () => (await ask<{ nodes: object[] }>(one, "nodes")).nodes.length === 2)
    two.kill("SIGSTOP")
    const { code, stdout, stderr } = await run(one, "nodes", "--json")
    expect([code, JSON.parse(stdout).nodes.length]).toEqual([0, 1])
    expect(stderr).toMatch(/^palava-machine: node [0-9a-f-]{36}: no answer within 1 s\n$/)
    two.kill("SIGCONT")
    await own.kill()
    await poll(async () => (await fetch(`${one.httpUrl}readyz`)).status === 503)
    const away = await run(one, "kick", "nobody")
    expect([away.code, away.stderr]).toEqual([
      1,
      expect.stringContaining("Redis cannot be reached: only this node was asked"),
    ])
    expect((await run(one, "nodes")).stdout).toContain("Redis cannot be reached")
  })
})
