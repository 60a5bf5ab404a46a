// The examples under attack, by addresses that ask for more than their share while others use them as meant.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClient, type WireEvent } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { EXAMPLES } from "./nodes.ts"
import { Receiver } from "./receiver.ts"

const ATTACKER = "203.0.113.66"

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "palava-attacked-"))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

/** A node with one example, to which a trusted proxy tells where clients are. */
async function startExample(name: string, options: string): Promise<TestNode> {
  const config = join(folder, `${crypto.randomUUID()}.toml`)
  await writeFile(config, `[plugins.${name}]\n${options}\n`)
  return await startNode(["--plugin", join(EXAMPLES, `${name}.ts`), "--config", config, "--trust-proxy", "127.0.0.1"])
}

/** A client at an address. */
function clientAt(node: TestNode, address: string): Promise<TestClient> {
  return TestClient.connect(node.url, { headers: { "x-forwarded-for": address } })
}

/** Joins and leaves, so many times: the answers to the joins. */
async function visit(client: TestClient, room: string, times: number): Promise<WireEvent[]> {
  for (let time = 0; time < times; time++) {
    client.send({ event: "join_room", room_id: room })
    client.send({ event: "leave_room" })
  }
  return (await client.drain()).filter(({ event }) => event === "joined_room")
}

test("webhook: two addresses that come and go all the time cost a hundred others not one event", async () => {
  using receiver = new Receiver()
  for (let times = 0; times < 100_000; times++) receiver.answers.push(503)
  const options = `url = "${receiver.url}"\nsecret = "a secret of the receiver"\nqueue = 200\nfirst_pause_ms = 5\nlongest_pause_ms = 20`
  await using node = await startExample("webhook", options)
  const attackers = await Promise.all([ATTACKER, "2001:db8::66"].map((address) => clientAt(node, address)))
  const burst = (at: number) => Promise.all(attackers.map((attacker) => visit(attacker, `attack-${at}`, 60)))
  await burst(0)
  const honest: TestClient[] = []
  for (let at = 0; at < 100; at++) {
    const client = await clientAt(node, `198.51.100.${at % 50}`)
    await client.join(`room-${at % 10}`)
    honest.push(client)
    if (at % 25 === 0) await burst(at)
  }
  await burst(100)
  expect(await node.metric("palava_webhook_events_lost_total")).toBeGreaterThan(500)
  receiver.answers.length = 0
  const refused = receiver.all.length
  interface Body {
    events: { event: string; peer_id: string }[]
  }
  const joined = () =>
    new Set(
      receiver.all
        .slice(refused)
        .flatMap(({ body }) => (JSON.parse(body) as Body).events)
        .filter(({ event }) => event === "joined")
        .map(({ peer_id }) => peer_id),
    )
  await receiver.until(() => honest.every(({ ownId }) => joined().has(ownId)))
  for (const client of [...attackers, ...honest]) client.terminate()
})

test("waiting room: knocks at other doors push nobody away from this one", async () => {
  await using node = await startExample("waiting-room", "guests = 10")
  await using host = await clientAt(node, "198.51.100.1")
  await using guest = await clientAt(node, "198.51.100.2")
  await host.join("meeting")
  expect(await guest.join("meeting")).toMatchObject({ id: "waiting_for_host" })
  const { peer_id } = await host.next("knock")
  await using elsewhere = await clientAt(node, ATTACKER)
  await elsewhere.join("elsewhere")
  const attackers = await Promise.all(Array.from({ length: 25 }, () => clientAt(node, ATTACKER)))
  for (const attacker of attackers) expect(await attacker.join("elsewhere")).toMatchObject({ id: "waiting_for_host" })
  host.send({ event: "let_in", peer_id })
  expect(await guest.next("let_in")).toEqual({ event: "let_in", room_id: "meeting" })
  expect((await guest.join("meeting")).event).toBe("joined_room")
  for (const attacker of attackers) attacker.terminate()
})

test("waiting room: a welcome ends with the meeting of the host who gave it", async () => {
  await using node = await startExample("waiting-room", "")
  await using host = await clientAt(node, "198.51.100.1")
  await using guest = await clientAt(node, "198.51.100.2")
  await host.join("meeting")
  await guest.join("meeting")
  host.send({ event: "let_in", peer_id: (await host.next("knock"))["peer_id"] })
  await guest.next("let_in")
  host.send({ event: "leave_room" })
  await host.drain()
  await using next = await clientAt(node, "198.51.100.3")
  await next.join("meeting")
  expect(await guest.join("meeting")).toMatchObject({ event: "error", id: "waiting_for_host" })
  expect((await next.next("knock")).event).toBe("knock")
})

test("waiting room: who knocks all the time is not heard all the time", async () => {
  await using node = await startExample("waiting-room", "")
  await using host = await clientAt(node, "198.51.100.1")
  await host.join("meeting")
  await using attacker = await clientAt(node, ATTACKER)
  for (let time = 0; time < 100; time++) attacker.send({ event: "join_room", room_id: "meeting" })
  const errors = (await attacker.drain()).map((event) => event["id"])
  expect(errors.slice(0, 5)).toEqual(Array(5).fill("waiting_for_host"))
  expect(errors.filter((id) => id === "knocking_too_often").length).toBeGreaterThan(80)
  expect((await host.drain()).length).toBeLessThan(20)
})

test("chat history: what one address reads back is bounded, and the others read on", async () => {
  await using node = await startExample("chat-history", "")
  await using author = await clientAt(node, "198.51.100.1")
  await author.join("room")
  for (let at = 0; at < 60; at++) author.send({ event: "chat", text: "x".repeat(2000) })
  await author.drain()
  await using attacker = await clientAt(node, ATTACKER)
  let [characters, empty] = [0, 0]
  for (let round = 0; round < 10; round++) {
    for (const joined of await visit(attacker, "room", 20)) {
      characters += JSON.stringify(joined).length
      if ((joined["chat_history"] as unknown[]).length === 0) empty++
    }
  }
  // 64 histories of 16 KB, what came back meanwhile, and what stands around them.
  expect(characters).toBeLessThan(80 * 16_384)
  expect(empty).toBeGreaterThan(100)
  await using reader = await clientAt(node, "198.51.100.2")
  expect(((await reader.join("room"))["chat_history"] as unknown[]).length).toBe(7)
})

test("chat history: what is remembered is bounded in all, and who says most forgets first", async () => {
  await using node = await startExample("chat-history", "all_characters = 100000")
  await using author = await clientAt(node, "198.51.100.1")
  await author.join("quiet")
  author.send({ event: "chat", text: "kept" })
  await author.next("chat")
  const attackers = await Promise.all(Array.from({ length: 20 }, () => clientAt(node, ATTACKER)))
  for (const [at, attacker] of attackers.entries()) {
    await attacker.join(`loud-${at}`)
    for (let times = 0; times < 10; times++) attacker.send({ event: "chat", text: "x".repeat(2000) })
    await attacker.drain()
    expect(await node.metric("palava_chat_history_characters")).toBeLessThanOrEqual(100_000)
  }
  expect(await node.metric("palava_chat_history_characters")).toBeGreaterThan(50_000)
  await using reader = await clientAt(node, "198.51.100.2")
  const history = (await reader.join("quiet"))["chat_history"] as { text: string }[]
  expect(history.map(({ text }) => text)).toEqual(["kept"])
  for (const attacker of attackers) attacker.terminate()
  await author.drain()
})

test("an IPv6 network counts as one", async () => {
  const { sourceOf } = await import("../../examples/source-of.ts")
  expect(["192.0.2.1", "2001:db8::66", "2001:db8:0:0:1:2:3:4", "::1", "2001:db8:1:2:3:4:5:6"].map(sourceOf)).toEqual([
    "192.0.2.1",
    "2001:db8:0:0",
    "2001:db8:0:0",
    "0:0:0:0",
    "2001:db8:1:2",
  ])
})
