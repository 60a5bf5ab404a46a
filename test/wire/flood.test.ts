// Thousands of frames at once, bad ones and good ones: each is answered, in order, and the others lose nothing.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { BAD_BYTES, BAD_TEXTS } from "../helpers/bad-frames.ts"
import { TestClient } from "../helpers/client.ts"
import { IS_LONG } from "../helpers/long-runs.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { OPCODE, RawSocket, textFrame } from "../helpers/raw-socket.ts"
import { poll } from "../helpers/redis.ts"
import { WellBehaved } from "../helpers/well-behaved.ts"

/** Bad texts in all, over so many clients: each stays within the burst a client is allowed by default. */
const TEXTS = 10_000
const CLIENTS = 10

/** Connections that break the framing, so many at a time: each costs a connection, so fewer than texts. */
const BROKEN = IS_LONG ? 10_000 : 1_000
const BROKEN_AT_ONCE = 50

let node: TestNode
let others: WellBehaved
beforeEach(async () => {
  node = await startNode(["--output-kb-per-second", "0", "--joins-per-second", "0"])
  others = await WellBehaved.meet(node.url)
})
afterEach(async () => {
  await others.expectAllHeard()
  expect(node.complaints()).toBe("")
  await node[Symbol.asyncDispose]()
})

test(`${TEXTS} texts that cannot be served, of every kind, are all answered`, async () => {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => TestClient.connect(node.url)))
  const expected: string[] = []
  for (let index = 0; index < TEXTS / CLIENTS; index++) {
    const { text, id } = BAD_TEXTS[index % BAD_TEXTS.length] as (typeof BAD_TEXTS)[number]
    for (const client of clients) client.send(text)
    expected.push(id)
    others.talk(1)
  }
  for (const client of clients) {
    const answers = await client.drain()
    expect(answers.map((answer) => answer["id"])).toEqual(expected)
    await client.close()
  }
  expect(await node.metric("palava_errors_total")).toBe(TEXTS)
})

test(`${BROKEN} connections that break the framing, in every way, all end`, async () => {
  const rooms = await node.metric("palava_rooms")
  for (let done = 0; done < BROKEN; done += BROKEN_AT_ONCE) {
    const kinds = Array.from({ length: BROKEN_AT_ONCE }, (_, index) => BAD_BYTES[(done + index) % BAD_BYTES.length])
    others.talk(10)
    const codes = kinds.map(async (kind) => {
      using raw = await RawSocket.open(node.port)
      raw.write(Buffer.concat([textFrame({ event: "join_room", room_id: "broken" }), kind?.bytes ?? new Uint8Array()]))
      return await raw.closed
    })
    expect(await Promise.all(codes)).toEqual(kinds.map((kind) => kind?.code ?? 0))
  }
  expect(await node.metric("palava_connections")).toBe(2)
  await poll(async () => (await node.metric("palava_rooms")) === rooms)
})

test("10,000 messages in one go, right behind the join, all arrive in order", async () => {
  await using reader = await TestClient.connect(node.url)
  await reader.join("flood")
  using writer = await RawSocket.open(node.port)
  const messages = Array.from({ length: 10_000 }, (_, number) =>
    textFrame({ event: "send_to_peer", peer_id: reader.ownId, data: { event: "message", number } }),
  )
  writer.write(
    Buffer.concat([textFrame({ event: "join_room", room_id: "flood" }), ...messages, textFrame({ event: "ping" })]),
  )
  const joined = await writer.nextEvent()
  expect(joined["event"]).toBe("joined_room")
  expect(await writer.nextEvent()).toEqual({ event: "pong" })
  expect(await reader.next()).toEqual({ event: "new_peer", peer_id: joined["own_id"], status: {} })
  for (let number = 0; number < messages.length; number++) {
    expect(await reader.next()).toEqual({ event: "message", number, sender_id: joined["own_id"] })
  }
  expect(await reader.drain()).toEqual([])
})

test("of 10,000 status changes in one go some are shown, in order, and the last", async () => {
  await using reader = await TestClient.connect(node.url)
  await reader.join("flood")
  await using writer = await TestClient.connect(node.url)
  await writer.join("flood")
  await reader.next("new_peer")
  const text = "x".repeat(4_000)
  for (let number = 1; number <= 10_000; number++) writer.send({ event: "update_status", status: { number, text } })
  // What is asked for next is asked of the whole status, shown or not.
  writer.send({ event: "update_status", status: { last: true } })
  for (const client of [writer, reader]) {
    const shown: number[] = []
    for (let isLast = false; !isLast; ) {
      const { event, sender_id, status } = await client.next()
      if (event === "error") throw new Error(JSON.stringify(client.all.slice(-3)).slice(0, 600))
      expect([event, sender_id]).toEqual(["peer_updated_status", writer.ownId])
      const { number, last } = status as { number: number; last?: boolean }
      shown.push(number)
      isLast = last === true
    }
    expect(shown.at(-1)).toBe(10_000)
    expect(shown).toEqual(shown.toSorted((a, b) => a - b))
    // A few at once, then one every 100 ms of the time that the burst takes.
    expect(shown.length).toBeLessThan(50)
    expect(await client.drain()).toEqual([])
  }
})

test("a status that waits is told before its member leaves", async () => {
  await using reader = await TestClient.connect(node.url)
  await reader.join("flood")
  await using writer = await TestClient.connect(node.url)
  await writer.join("flood")
  for (let number = 1; number <= 20; number++) writer.send({ event: "update_status", status: { number } })
  writer.send({ event: "leave_room" })
  const numbers: unknown[] = []
  for (;;) {
    const { event, status } = await reader.next()
    if (event === "peer_left") break
    if (event === "peer_updated_status") numbers.push((status as { number: number }).number)
  }
  expect(numbers).toEqual([1, 2, 3, 4, 5, 20])
})

test("5,000 joins and leaves in one go leave nothing behind", async () => {
  await using writer = await TestClient.connect(node.url)
  const rooms = await node.metric("palava_rooms")
  for (let number = 0; number < 5_000; number++) {
    writer.send({ event: "join_room", room_id: `room ${number % 7}`, ref: number })
    writer.send({ event: "leave_room" })
  }
  const answers = await writer.drain()
  expect(answers.map(({ event, ref, peers }) => [event, ref, peers])).toEqual(
    Array.from({ length: 5_000 }, (_, number) => ["joined_room", number, []]),
  )
  expect(await node.metric("palava_rooms")).toBe(rooms)
})

test("pings without end are answered, and hold up nobody", async () => {
  using raw = await RawSocket.open(node.port)
  const ping = Buffer.concat(Array.from({ length: 1_000 }, () => textFrame({ event: "ping" })))
  for (let burst = 0; burst < 10; burst++) raw.write(ping)
  others.talk(100)
  for (let answered = 0; answered < 10_000; answered++) {
    const { opcode, payload } = await raw.nextFrame()
    if (opcode === OPCODE.text) expect(payload.toString()).toBe('{"event":"pong"}')
  }
})
