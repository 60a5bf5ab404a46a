// What one connection and one address may do: what a full house does at once never meets it, what an attack does is told
// so, in the words of its dialect, and to connect again gives nothing back.

import { expect, test } from "bun:test"
import { join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
import { handshake, OPCODE, RawSocket, textFrame } from "../helpers/raw-socket.ts"

/** A conference behind one address, in a room of this size, and what each sends to each other at once. */
const PEERS = 50
const CANDIDATES = 30
const CANDIDATE = `candidate:842163049 1 udp 1677729535 203.0.113.57 46154 typ srflx raddr 192.168.178.23 ${"x".repeat(160)}`

/** 2.3 KB, as browsers' session descriptions are. */
const OFFER = "v=0\r\n".repeat(460)

const NOBODY = "00000000-0000-4000-8000-000000000000"

/** All members of a room connect, join, and set their calls up with all others; each hears all of it. */
async function meet(port: number, peers: number, room: string): Promise<RawSocket[]> {
  const sockets = await Promise.all(Array.from({ length: peers }, () => RawSocket.open(port)))
  const status = { name: "x".repeat(50), user_agent: "chrome", more: "y".repeat(1_000) }
  const ids: string[] = []
  for (const socket of sockets) {
    socket.write(textFrame({ event: "join_room", room_id: room, status }))
    for (;;) {
      const event = await socket.nextEvent()
      expect(event["event"]).not.toBe("error")
      if (event["event"] !== "joined_room") continue
      ids.push(event["own_id"] as string)
      break
    }
  }
  for (const [index, socket] of sockets.entries()) {
    for (const id of ids) {
      if (id === ids[index]) continue
      const tell = (data: object) => textFrame({ event: "send_to_peer", peer_id: id, data })
      const candidate = tell({ event: "ice_candidate", candidate: CANDIDATE })
      socket.write(Buffer.concat([tell({ event: "offer", sdp: OFFER }), ...Array(CANDIDATES).fill(candidate)]))
    }
  }
  for (const socket of sockets) {
    let heard = 0
    while (heard < (peers - 1) * (CANDIDATES + 1)) {
      const { opcode, payload } = await socket.nextFrame()
      if (opcode !== OPCODE.text) continue
      const text = payload.toString()
      expect(text.startsWith('{"event":"error"')).toBe(false)
      if (text.startsWith('{"event":"ice_candidate"') || text.startsWith('{"event":"offer"')) heard++
    }
  }
  return sockets
}

test(`${PEERS} behind one address set up all their calls at once, and again when all of them come back`, async () => {
  await using node = await startNode()
  for (let round = 0; round < 2; round++) {
    const sockets = await meet(node.port, PEERS, `conference ${round}`)
    for (const socket of sockets) socket.reset()
  }
  expect(await node.metric("palava_refused_total")).toBe(0)
  expect(node.complaints()).toBe("")
}, 60_000)

test("ten calls of ten are set up at once, behind one address", async () => {
  await using node = await startNode()
  const calls = await Promise.all(Array.from({ length: 10 }, (_, call) => meet(node.port, 10, `call ${call}`)))
  for (const socket of calls.flat()) socket.reset()
  expect(await node.metric("palava_refused_total")).toBe(0)
})

test("one address has so many connections, and a place again when one goes", async () => {
  await using node = await startNode(["--address-connections", "3"])
  const clients = await Promise.all([1, 2, 3].map(() => TestClient.connect(node.url)))
  using fourth = await RawSocket.connect(node.port, handshake())
  await fourth.waitUntil(() => fourth.head !== "", "an answer")
  expect(fourth.head).toStartWith("HTTP/1.1 429 ")
  expect(fourth.head.toLowerCase()).toContain("retry-after: 10")
  expect(await node.metric("palava_refused_total", "address_connections")).toBe(1)
  await clients[0]?.close()
  await using fifth = await TestClient.connect(node.url)
  expect((await fifth.join("room")).event).toBe("joined_room")
  for (const client of clients) client.terminate()
  expect(node.complaints()).toContain("name it with --trust-proxy")
})

test("also while a plug-in is still asked about them", async () => {
  const gate = join(import.meta.dir, "../plugins/fixtures/gate.ts")
  await using node = await startNode(["--address-connections", "3", "--plugin", gate])
  const sockets = await Promise.all(Array.from({ length: 10 }, () => RawSocket.connect(node.port, handshake())))
  while ((await node.metric("palava_refused_total", "address_connections")) < 7);
  expect((await fetch(`${node.httpUrl}open`)).status).toBe(200)
  await Promise.all(sockets.map((socket) => socket.waitUntil(() => socket.head !== "", "an answer")))
  expect(sockets.map(({ head }) => head.slice(9, 12)).sort()).toEqual([
    ...Array(3).fill("101"),
    ...Array(7).fill("429"),
  ])
  expect(await node.metric("palava_connections")).toBe(3)
  for (const socket of sockets) socket.reset()
  while ((await node.metric("palava_connections")) > 0);
  for (let count = 0; count < 3; count++) (await RawSocket.open(node.port)).halfClose()
})

test("who is behind a trusted proxy has an address of its own", async () => {
  await using node = await startNode(["--address-connections", "1", "--trust-proxy", "127.0.0.1"])
  const from = async (address: string): Promise<number> => {
    const raw = await RawSocket.connect(node.port, handshake({ "X-Forwarded-For": address }))
    await raw.waitUntil(() => raw.head !== "", "an answer")
    return Number(raw.head.split(" ")[1])
  }
  expect(await from("203.0.113.1")).toBe(101)
  expect(await from("203.0.113.1")).toBe(429)
  expect(await from("203.0.113.2")).toBe(101)
  expect(await from("2001:db8:1:2::1")).toBe(101)
  expect(await from("2001:db8:1:2:ffff::2")).toBe(429)
  expect(await from("2001:db8:1:3::1")).toBe(101)
  expect(node.complaints()).toBe("")
})

test("one address connects so often, and connecting again refills nothing", async () => {
  await using node = await startNode(["--address-connects-per-second", "1"])
  const answers: number[] = []
  for (let count = 0; count < 40; count++) {
    using raw = await RawSocket.connect(node.port, handshake())
    await raw.waitUntil(() => raw.head !== "", "an answer")
    answers.push(Number(raw.head.split(" ")[1]))
  }
  // 20 at once, and one more each second that this takes.
  expect(answers.slice(0, 20)).toEqual(Array(20).fill(101))
  expect(answers.filter((status) => status === 429).length).toBeGreaterThan(0)
})

test("what one connection used up of its address's messages is missing to the next", async () => {
  const budget = ["--rate-per-second", "1", "--rate-burst", "100", "--address-share", "2"]
  await using node = await startNode(budget)
  for (let count = 0; count < 5; count++) {
    await using client = await TestClient.connect(node.url)
    for (let ref = 0; ref < 100; ref++) client.send({ event: "ping", ref })
    // Where the machine is busy, the node parts from who goes on beyond its budget.
    await Promise.race([client.closed, client.nextWhere(({ ref }) => ref === 99).catch(() => {})])
  }
  const served = await node.metric("palava_messages_total", 'event="ping"')
  expect(served).toBeGreaterThanOrEqual(200)
  expect(served).toBeLessThan(400)
  expect(await node.metric("palava_refused_total", "address_messages")).toBeGreaterThan(0)
})

test("joins have a rate of their own", async () => {
  await using node = await startNode(["--joins-per-second", "1"])
  await using client = await TestClient.connect(node.url)
  for (let ref = 0; ref < 100; ref++) {
    client.send({ event: "join_room", room_id: `room ${ref}`, ref })
    client.send({ event: "leave_room" })
  }
  const answers = await client.drain()
  expect(answers.slice(0, 50).map(({ event }) => event)).toEqual(Array(50).fill("joined_room"))
  expect(answers.at(-1)).toMatchObject({ event: "error", id: "rate_limited", ref: 99 })
})

test("bytes count as often as they are sent", async () => {
  await using node = await startNode(["--output-kb-per-second", "64"])
  const members = await Promise.all(Array.from({ length: 20 }, () => TestClient.connect(node.url)))
  for (const member of members) member.send({ type: "subscribe", topics: ["topic"] })
  const [sender] = members as [TestClient, ...TestClient[]]
  // 4 KB in, 80 KB out, of 2 MB: some 25 reach the others, some 500 would if only what comes in counted.
  for (let count = 0; count < 100; count++) {
    sender.send({ type: "publish", topic: "topic", data: "x".repeat(4_000), count })
  }
  let isParted = false
  sender.closed.then(() => {
    isParted = true
  })
  let [taken, refused] = [0, 0]
  // Where the machine is busy, the node parts from who goes on beyond its budget.
  do {
    taken = await node.metric("palava_messages_total", 'event="publish"')
    refused = await node.metric("palava_errors_total", 'id="rate_limited"')
  } while (taken + refused < 100 && !isParted)
  expect(taken).toBeGreaterThan(20)
  expect(taken).toBeLessThan(60)
  expect(await node.metric("palava_refused_total", 'reason="bytes"')).toBe(refused)
  for (const member of members) member.terminate()
})

test("control frames count as messages, and end the connection that keeps sending them", async () => {
  await using node = await startNode(["--rate-per-second", "1", "--rate-burst", "100"])
  using raw = await RawSocket.open(node.port)
  const ping = Buffer.from([0x89, 0x80, 0, 0, 0, 0])
  raw.write(Buffer.concat(Array(2_000).fill(ping)))
  expect(await raw.closed).toBe(4029)
})

test("who floods cannot come back for more at once", async () => {
  const budget = ["--rate-per-second", "1", "--rate-burst", "10", "--address-connects-per-second", "1"]
  await using node = await startNode(budget)
  using raw = await RawSocket.open(node.port)
  raw.write(Buffer.concat(Array(2_000).fill(textFrame({ event: "ping" }))))
  expect(await raw.closed).toBe(4029)
  // 20 at once were left but for one, and that one has cost 20 more.
  using next = await RawSocket.connect(node.port, handshake())
  await next.waitUntil(() => next.head !== "", "an answer")
  expect(next.head).toStartWith("HTTP/1.1 429 ")
  expect(next.head).toMatch(/retry-after: [12]\r\n/i)
})

test("who guesses tokens of resumption is parted from", async () => {
  await using node = await startNode()
  await using client = await TestClient.connect(node.url)
  for (let guess = 0; guess < 10; guess++) {
    client.send({ event: "resume", token: `${NOBODY}.${NOBODY}.${guess}`, received: 0 })
  }
  expect(await client.closed).toEqual({ code: 4029, reason: "too many messages" })
})

test("plain requests have a price too, but those for health", async () => {
  const budget = ["--rate-per-second", "1", "--rate-burst", "100", "--address-share", "1"]
  await using node = await startNode(budget)
  const polling = `${node.httpUrl}socket.io/?EIO=3&transport=polling`
  const answers: Response[] = []
  for (let count = 0; count < 15; count++) answers.push(await fetch(polling))
  const refused = answers.filter(({ status }) => status === 429)
  expect(refused.length).toBeGreaterThan(0)
  expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0)
  expect((await fetch(`${node.httpUrl}healthz`)).status).toBe(200)
  expect((await fetch(`${node.httpUrl}readyz`)).status).toBe(200)
})
