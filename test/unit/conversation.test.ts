// A client's conversation over plain objects: one message at a time, a bounded queue behind a join, an end at any moment.

import { describe, expect, test } from "bun:test"
import { Connection } from "../../src/connections/connection.ts"
import type { WireEvent } from "../helpers/client.ts"
import { HeldStore, PlainNode, settle } from "../helpers/plain-node.ts"

const ROOM = { event: "join_room", room_id: "room" }

describe("one message at a time", () => {
  test("what comes behind a join waits for it, and is handled in order", async () => {
    const store = new HeldStore()
    const node = await PlainNode.start(store)
    const client = node.connect()
    client.send(ROOM)
    client.send({ event: "update_status", status: { a: 1 } })
    client.send({ event: "send_to_peer", peer_id: client.id, data: { event: "message", number: 1 } })
    client.send({ event: "ping", ref: 1 })
    client.send({ event: "leave_room" })
    client.send({ event: "ping", ref: 2 })
    await settle()
    expect(client.all).toEqual([])
    await store.release("answers", 1)
    expect(client.all).toEqual([{ event: "joined_room", own_id: client.id, peers: [] }])
    await store.release("events")
    await store.releaseAll()
    await settle()
    expect(client.all).toEqual([
      { event: "joined_room", own_id: client.id, peers: [] },
      { event: "peer_updated_status", sender_id: client.id, status: { a: 1 } },
      { event: "message", number: 1, sender_id: client.id },
      { event: "pong", ref: 1 },
      { event: "pong", ref: 2 },
    ])
  })

  test("who does not wait is answered at once", async () => {
    const node = await PlainNode.start()
    const client = node.connect()
    client.send({ event: "ping" })
    client.send("nonsense")
    expect(client.take().map(({ event }) => event)).toEqual(["pong", "error"])
  })

  test("the queue is bounded: what does not fit is refused with its ref, the rest is handled", async () => {
    const store = new HeldStore()
    const node = await PlainNode.start(store)
    const client = node.connect()
    client.send(ROOM)
    for (let ref = 0; ref < 16_384 + 2; ref++) client.send({ event: "ping", ref })
    expect(client.take()).toEqual([16_384, 16_385].map(rateLimited))
    await store.releaseAll()
    await settle()
    expect(client.take().map(({ ref }) => ref)).toEqual([undefined, ...Array.from({ length: 16_384 }, (_, ref) => ref)])
  })

  test("a long queue takes time in proportion to its length", async () => {
    const short = await shortestDrain(2_000)
    const long = await shortestDrain(16_000)
    // Eight times as many take eight times as long, not sixty-four times.
    expect(long / short).toBeLessThan(24)
  })
})

describe("the end", () => {
  test("a client that closes while its join is under way leaves no ghost", async () => {
    for (const order of [["events", "answers"] as const, ["answers", "events"] as const]) {
      const store = new HeldStore()
      const node = await PlainNode.start(store)
      const client = node.connect()
      client.send(ROOM)
      await settle()
      client.send({ event: "ping" })
      client.close()
      for (const way of order) await store.release(way)
      await store.releaseAll()
      await settle()
      expect([store.size, node.rooms.registry.size, node.connections.open.size]).toEqual([0, 0, 0])
      expect(client.all).toEqual([])
      expect(node.logged).toEqual([])
    }
  })

  test("a client that closes right behind its joined_room leaves", async () => {
    const store = new HeldStore()
    const node = await PlainNode.start(store)
    const client = node.connect()
    client.send(ROOM)
    await store.release("answers")
    await store.release("events")
    client.close()
    await store.releaseAll()
    await settle()
    expect([store.size, node.rooms.registry.size]).toEqual([0, 0])
  })

  test("what waited in the queue of a closed connection is forgotten", async () => {
    const store = new HeldStore()
    const node = await PlainNode.start(store)
    const [client, other] = [node.connect(), node.connect()]
    other.send(ROOM)
    await store.release("events")
    await store.release("answers")
    client.send(ROOM)
    client.send({ event: "send_to_peer", peer_id: other.id, data: { event: "message" } })
    client.send({ event: "join_room", room_id: "another" })
    await settle()
    client.close()
    await store.releaseAll()
    await settle()
    expect(other.take().map(({ event }) => event)).not.toContain("message")
    expect(node.rooms.registry.size).toBe(1)
  })

  test("closing twice is closing once", async () => {
    const node = await PlainNode.start()
    const client = node.connect()
    client.send(ROOM)
    await settle()
    client.close()
    client.connection.onClose(1000)
    await settle()
    expect([node.rooms.counters.leaves, node.rooms.registry.size, node.logged]).toEqual([1, 0, []])
  })
})

describe("the rate", () => {
  test("a burst, then so many a second, then refusals with their ref, then the end", async () => {
    const node = await PlainNode.start(undefined, { limits: { ratePerSecond: 4, rateBurst: 10 } })
    const client = node.connect()
    const ask = (count: number): (string | number)[] => {
      for (let ref = 0; ref < count; ref++) client.send({ event: "ping", ref })
      return client.take().map(({ event, id, ref }) => `${id ?? event} ${ref}`)
    }
    expect(ask(12)).toEqual([
      ...Array.from({ length: 10 }, (_, ref) => `pong ${ref}`),
      "rate_limited 10",
      "rate_limited 11",
    ])
    // Four ticks are a second.
    node.connections.liveness.tick += 4
    expect(ask(5)).toEqual(["pong 0", "pong 1", "pong 2", "pong 3", "rate_limited 4"])
    // Never more than a burst, however long the pause; and a whole burst of pause forgives all strikes.
    node.connections.liveness.tick += 4_000
    expect(ask(11).at(-1)).toBe("rate_limited 10")
    expect(ask(998).every((answer) => String(answer).startsWith("rate_limited"))).toBe(true)
    expect(client.closed).toBeUndefined()
    ask(1)
    expect(client.closed).toEqual({ code: 4029, reason: "too many messages" })
    expect(node.connections.counters.closedRateLimited).toBe(1)
  })
})

describe("bugs of ours", () => {
  test("a handler that throws is logged once, told without its text, and the client goes on", async () => {
    const store = new HeldStore()
    const node = await PlainNode.start(store)
    const client = node.connect()
    store.failure = new Error("secret")
    client.send({ ...ROOM, ref: "r" })
    await store.releaseAll()
    await settle()
    expect(client.take()).toEqual([
      { event: "error", id: "internal", message: "internal error", description: "internal error", ref: "r" },
    ])
    expect(node.logged).toEqual(["bug: a handler failed"])
    client.send({ event: "ping" })
    expect(client.take()).toEqual([{ event: "pong" }])
  })
})

const SILENT = { maxFrameBytes: 0, onMessage() {}, onRefused() {}, onClose() {} }

test("every connection has an id of its own before it opens", async () => {
  const node = await PlainNode.start()
  const place = node.connections.places.of("somewhere")
  const ids = new Set(Array.from({ length: 100 }, () => new Connection(node.connections, () => SILENT, place).id))
  expect(ids.size).toBe(100)
  expect(node.connections.open.size).toBe(0)
})

function rateLimited(ref: number): WireEvent {
  return { event: "error", id: "rate_limited", message: "too many messages", description: "too many messages", ref }
}

/** Milliseconds until so many joins in one go are answered; the best of five, as the machine has other things to do. */
async function shortestDrain(joins: number): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const client = (await PlainNode.start()).connect()
    const begin = performance.now()
    for (let number = 0; number < joins; number++) client.send(ROOM)
    await settle()
    times.push(performance.now() - begin)
    expect(client.all).toHaveLength(joins)
  }
  return Math.min(...times)
}
