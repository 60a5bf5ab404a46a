// Every hook of the contract through the compiled executable: what it may do, and what happens when it throws, hangs or
// answers nonsense. The connection and the server live on, and somebody who waits gets an answer.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import type { TestNode } from "../helpers/node.ts"
import { FIXTURES, startNodes, type TestNodes } from "./nodes.ts"

let nodes: TestNodes
let node: TestNode
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "palava-contract-"))
  const config = join(folder, "palava.toml")
  await writeFile(config, '[plugins.everything]\ngreeting = "good day"\n')
  nodes = await startNodes(1, ["--plugin", join(FIXTURES, "everything.ts"), "--config", config])
  node = nodes.first
})

afterAll(async () => {
  await nodes[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const connect = (query = "") => TestClient.connect(`${node.url}${query}`)
const failures = () => node.metric("palava_plugin_failures_total", 'plugin="everything"')

/** Runs `act`, which must make the plug-in fail exactly so often. */
async function failing(times: number, act: () => Promise<void>): Promise<void> {
  const before = await failures()
  await act()
  expect((await failures()) - before).toBe(times)
}

describe("connect", () => {
  test("attaches data of the plug-in's own type, at once or later", async () => {
    for (const [query, user] of [
      ["?user=ada", "ada"],
      ["?connect=wait", "patient"],
    ] as const) {
      const client = await connect(query)
      client.send({ event: "whoami", ref: "r" })
      expect(await client.next()).toEqual({ event: "you_are", user, in: 0, ref: "r" })
    }
  })

  test.each([
    ["refuse", 4501, "not today"],
    ["refuse later", 4401, "not now"],
  ])("%s closes with the code of the plug-in", async (what, code, reason) => {
    const client = await connect(`?connect=${encodeURIComponent(what)}`)
    expect(await client.closed).toEqual({ code, reason })
    expect(client.all).toEqual([])
  })

  test.each(["throw", "hang", "nonsense"])("%s closes with 1011", async (what) => {
    await failing(1, async () => {
      const client = await connect(`?connect=${what}`)
      expect((await client.closed).code).toBe(1011)
    })
    expect(node.log()).toContain("plug-in everything: connect failed")
  })
})

describe("join", () => {
  test("refuses in words of the plug-in, and the client may try again", async () => {
    const client = await connect()
    client.send({ event: "join_room", room_id: "a", join: "refuse", ref: 7 })
    const message = 'the "door" is locked'
    expect(await client.next()).toEqual({ event: "error", id: "locked", message, description: message, ref: 7 })
    expect(await client.join("a")).toMatchObject({ event: "joined_room" })
  })

  test.each(["throw", "hang"])("%s answers internal", async (what) => {
    const client = await connect()
    await failing(1, async () => {
      client.send({ event: "join_room", room_id: "a", join: what, ref: 1 })
      client.send({ event: "ping", ref: 2 })
      expect(await client.next()).toMatchObject({ event: "error", id: "internal", ref: 1 })
      expect(await client.next()).toMatchObject({ event: "pong", ref: 2 })
    })
  })
})

describe("decorate", () => {
  test("adds fields, but none of the protocol's own", async () => {
    const client = await connect("?user=eve")
    const joined = await client.join("a room", { name: "Eve" })
    expect(joined).toEqual({
      event: "joined_room",
      own_id: client.ownId,
      peers: [],
      greeting: "good day",
      user: "eve",
      members: 1,
      self: client.ownId,
    })
    expect(client.ownId).not.toBe("forged")
  })

  test.each(["throw", "bigint"])("%s leaves the fields out and the join whole", async (what) => {
    await failing(1, async () => {
      const client = await connect()
      expect(await client.join(`room of ${what}`, { decorate: what })).toEqual({
        event: "joined_room",
        own_id: client.ownId,
        peers: [],
      })
    })
  })
})

describe("events", () => {
  test("check their fields by schema and answer with the ref", async () => {
    const client = await connect()
    client.send({ event: "add", numbers: [1, 2], ref: 1 })
    expect(await client.next()).toEqual({ event: "sum", sum: 3, ref: 1 })
    client.send({ event: "add", numbers: [1, "2"], ref: 2 })
    expect(await client.next()).toMatchObject({ event: "error", id: "invalid_message", ref: 2 })
    client.send({ event: "constructor" })
    expect(await client.next()).toMatchObject({ event: "error", id: "unknown_event" })
  })

  test("reach the room and its members", async () => {
    const [a, b] = [await connect(), await connect()]
    await a.join("talk")
    await b.join("talk")
    await a.next("new_peer")
    a.send({ event: "shout", text: "hey" })
    for (const client of [a, b]) expect(await client.next()).toEqual({ event: "shouted", by: a.ownId, text: "hey" })
    a.send({ event: "whisper", to: b.ownId, text: "psst" })
    expect(await b.next()).toEqual({ event: "whispered", text: "psst" })
    a.send({ event: "whisper", to: "nobody", text: "psst", ref: 3 })
    expect(await a.next()).toMatchObject({ event: "error", id: "nobody_there", message: "nobody there", ref: 3 })
    expect(await b.drain()).toEqual([])
  })

  test.each(["throw", "reject", "hang"])("that %s are answered with internal", async (how) => {
    const client = await connect()
    await failing(1, async () => {
      client.send({ event: "fail", how, ref: 9 })
      expect(await client.next()).toMatchObject({ event: "error", id: "internal", message: "internal error", ref: 9 })
    })
    client.send({ event: "fail", how: "refuse", ref: 10 })
    expect(await client.next()).toMatchObject({ id: "no_such_luck", message: "no such luck", ref: 10 })
  })

  test("may close the connection", async () => {
    const client = await connect()
    client.send({ event: "go_away" })
    expect(await client.closed).toEqual({ code: 4500, reason: "as you wish" })
  })
})

test("observe sees what happened, and its failures disturb nobody", async () => {
  const [watcher, a, b] = [await connect(), await connect(), await connect()]
  const seen = async (): Promise<string[]> => {
    watcher.send({ event: "seen" })
    return (await watcher.next("seen"))["seen"] as string[]
  }
  await seen()
  await failing(1, async () => {
    await a.join("observed", { name: "Ada" })
    await b.join("observed")
    a.send({ event: "send_to_peer", peer_id: b.ownId, data: { event: "message", text: "x" } })
    expect(await b.next("message")).toEqual({ event: "message", text: "x", sender_id: a.ownId })
  })
  a.send({ event: "update_status", status: { name: "Bea" } })
  await b.next("peer_updated_status")
  a.send({ event: "nonsense" })
  await a.next("error")
  await a.close()
  await b.next("peer_left")
  b.send({ event: "leave_room" })
  await b.drain()
  expect(await seen()).toEqual([
    "join observed nobody Ada",
    "opened",
    "joined 64",
    "join observed nobody undefined",
    "joined 64",
    "relayed true",
    'status {"name":"Bea"}',
    "refused unknown_event",
    "left true",
    "disconnected",
    "left true",
    "closed 2",
  ])
})

test.each(["timer", "promise"])("what it throws in a %s of its own ends nothing", async (how) => {
  const client = await connect()
  const before = await failures()
  client.send({ event: "stray", how })
  await client.drain()
  // The timer of the plug-in may come after the pong, but comes.
  while ((await failures()) === before) await client.drain()
  expect((await failures()) - before).toBe(1)
  expect(node.log()).toContain("plug-in everything: something it began failed")
  expect(await client.join(`after a ${how}`)).toMatchObject({ event: "joined_room" })
})

test("told reaches this node too, and may throw", async () => {
  const client = await connect()
  await client.join("telling")
  client.send({ event: "spread", word: "rumour" })
  expect(await client.next()).toMatchObject({ event: "told", word: "rumour, here" })
  await failing(1, async () => {
    client.send({ event: "spread", word: "throw" })
    expect(await client.drain()).toEqual([])
  })
})

test("routes answer on their own listener only, and may fail", async () => {
  expect(await (await fetch(`${node.httpUrl}hello`, { method: "POST" })).text()).toBe("POST good day")
  expect((await fetch(`${node.httpUrl}things`)).status).toBe(404)
  expect((await fetch(`${node.adminUrl}hello`)).status).toBe(404)
  expect(await (await fetch(`${node.adminUrl}things`)).json()).toHaveProperty("seen")
  await failing(2, async () => {
    for (const path of ["broken", "hang"]) expect((await fetch(`${node.httpUrl}${path}`)).status).toBe(500)
  })
})

test("start runs before the first connection, stop behind the last", async () => {
  await using nodes = await startNodes(1, ["--plugin", join(FIXTURES, "everything.ts")])
  const client = await TestClient.connect(nodes.first.url)
  client.send({ event: "seen" })
  expect((await client.next("seen"))["seen"]).toEqual(["start 36", "connected"])
  expect(await nodes.first.stop()).toBe(0)
  expect(nodes.first.log()).toContain('"plugin":"everything","msg":"everything stopped"')
})

test("over two nodes: publish, send, tell and members", async () => {
  await using nodes = await startNodes(2, ["--plugin", join(FIXTURES, "everything.ts")])
  const a = await TestClient.connect(nodes.first.url)
  const b = await TestClient.connect(nodes.last.url)
  await a.join("talk")
  await b.join("talk")
  await a.next("new_peer")
  b.send({ event: "shout", text: "hey" })
  for (const client of [a, b]) expect(await client.next()).toEqual({ event: "shouted", by: b.ownId, text: "hey" })
  b.send({ event: "whisper", to: a.ownId, text: "psst" })
  expect(await a.next()).toEqual({ event: "whispered", text: "psst" })
  b.send({ event: "spread", word: "rumour" })
  const heard = [await a.next("told"), await a.next("told")].map((event) => event["word"]).sort()
  expect(heard).toEqual(["rumour", "rumour, here"])
  const c = await TestClient.connect(nodes.first.url)
  const room = new Bun.CryptoHasher("sha256").update("talk").digest("hex")
  c.send({ event: "ask_members", room })
  expect((await c.next())["members"]).toEqual([a.ownId, b.ownId])
  // In order: what the server says after a join comes after the join.
  await c.join("talk")
  expect(await b.next("new_peer")).toMatchObject({ peer_id: c.ownId })
  c.send({ event: "shout", text: "me too" })
  expect(await b.next("shouted")).toMatchObject({ by: c.ownId })
})

test("metrics are shown under the plug-in's name; one that throws leaves the others", async () => {
  expect(await node.metric("palava_kept_bytes")).toBeGreaterThanOrEqual(12_345)
  expect(await node.metric("palava_everything_things")).toBe(7)
  expect(await node.metric("palava_everything_words_total", 'kind="verbs"')).toBe(3)
  expect(await node.metric("palava_everything_broken_total")).toBe(1)
  const client = await connect()
  client.send({ event: "break_metric" })
  await client.next("broken")
  expect(await node.metric("palava_everything_broken_total")).toBe(0)
  expect(await node.metric("palava_everything_things")).toBe(7)
  expect(await node.metric("palava_plugin_failures_total", "everything")).toBeGreaterThan(0)
})
