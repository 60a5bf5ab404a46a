// Every limit a client can run into, and its close code or error: room, frame, rate, connections, origin.

import { describe, expect, test } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
import { handshake, RawSocket, textFrame } from "../helpers/raw-socket.ts"

describe("room size", () => {
  test("the 51st of a room is refused by default", async () => {
    await using node = await startNode()
    const clients = await Promise.all(Array.from({ length: 51 }, () => TestClient.connect(node.url)))
    const answers = await Promise.all(clients.map((client) => client.join("crowd")))
    const refused = answers.filter(({ event }) => event === "error")
    expect(refused.map(({ id, message }) => [id, message])).toEqual([["room_full", "room is full"]])
    for (const client of clients) client.terminate()
  })

  test("a room of one", async () => {
    await using node = await startNode(["--room-size", "1"])
    await using first = await TestClient.connect(node.url)
    await using second = await TestClient.connect(node.url)
    await first.join("small")
    expect((await second.join("small"))["id"]).toBe("room_full")
    expect((await second.join("other")).event).toBe("joined_room")
  })
})

test("the frame limit is an option, counted in bytes", async () => {
  await using node = await startNode(["--max-frame-bytes", "1024"])
  using fits = await RawSocket.open(node.port)
  fits.write(textFrame(pingOf(1024)))
  expect(await fits.nextEvent()).toEqual({ event: "pong" })
  fits.write(textFrame(pingOf(1025)))
  expect(await fits.closed).toBe(1009)
})

describe("rate", () => {
  test("over it, requests are answered rate_limited with their ref; 1,000 of them close with 4029", async () => {
    await using node = await startNode(["--rate-per-second", "1", "--rate-burst", "10"])
    await using witness = await TestClient.connect(node.url)
    await witness.join("rate")
    await using client = await TestClient.connect(node.url)
    await client.join("rate")
    await witness.next("new_peer")
    for (let ref = 0; ref < 1_100; ref++) client.send({ event: "ping", ref })
    expect(await client.closed).toEqual({ code: 4029, reason: "too many messages" })
    const answers = client.all.slice(1)
    const limited = answers.filter(({ event }) => event === "error")
    // Fewer where the machine is so busy that the node cannot answer them all.
    expect(limited.length).toBeLessThanOrEqual(1_000)
    expect(limited.length).toBeGreaterThanOrEqual(10)
    expect(limited[0]).toEqual({
      event: "error",
      id: "rate_limited",
      message: "too many messages",
      description: "too many messages",
      ref: expect.any(Number),
    })
    // One token is spent on the join, and a loaded machine may take a second or more: a few more are let through.
    const served = answers.filter(({ event }) => event === "pong").length
    expect(served).toBeGreaterThanOrEqual(9)
    expect(served).toBeLessThan(50)
    const refs = limited.map(({ ref }) => ref as number)
    expect(refs).toEqual(refs.toSorted((a, b) => a - b))
    expect(await witness.next()).toEqual({ event: "peer_left", sender_id: client.ownId })
    expect(await node.metric("palava_connections_closed_total", "rate_limited")).toBe(1)
  })

  test("one client's flood costs nobody else their messages", async () => {
    await using node = await startNode(["--rate-per-second", "1", "--rate-burst", "5"])
    await using flood = await TestClient.connect(node.url)
    for (let count = 0; count < 500; count++) flood.send({ event: "ping" })
    await using client = await TestClient.connect(node.url)
    expect((await client.join("calm")).event).toBe("joined_room")
  })

  test("0 is no limit", async () => {
    await using node = await startNode(["--rate-per-second", "0", "--rate-burst", "1"])
    await using client = await TestClient.connect(node.url)
    for (let ref = 0; ref < 5_000; ref++) client.send({ event: "ping", ref })
    const answers = await client.drain()
    expect(answers).toEqual(Array.from({ length: 5_000 }, (_, ref) => ({ event: "pong", ref })))
  })
})

describe("connections", () => {
  test("one too many is closed with 1013, and there is a place again when one goes", async () => {
    await using node = await startNode(["--max-connections", "2"])
    await using first = await TestClient.connect(node.url)
    await using second = await TestClient.connect(node.url)
    await first.join("full")
    await second.join("full")
    await using third = await TestClient.connect(node.url)
    expect(await third.closed).toEqual({ code: 1013, reason: "server is full, try again later" })
    await second.close()
    await first.next("peer_left")
    await using fourth = await TestClient.connect(node.url)
    expect((await fourth.join("full")).event).toBe("joined_room")
  })

  test("one that is refused cannot join, though its join came with the handshake", async () => {
    await using node = await startNode(["--max-connections", "1"])
    await using member = await TestClient.connect(node.url)
    await member.join("ghosts")
    const join = textFrame({ event: "join_room", room_id: "ghosts" })
    using eager = await RawSocket.connect(node.port, Buffer.concat([Buffer.from(handshake()), join, join]))
    expect(await eager.closed).toBe(1013)
    expect(await member.drain()).toEqual([])
    expect(await node.metric("palava_joined_room_total")).toBe(1)
  })
})

describe("origin", () => {
  const SOME = ["--origin", "https://a.example", "--origin", "https://b.example"]
  for (const [what, args, answers] of [
    ["without the option any will do", [], { "": 101, "https://anywhere.example": 101, null: 101 }],
    ["with * any will do", ["--origin", "*"], { "": 101, "https://anywhere.example": 101 }],
    [
      "with some given, only these will do",
      SOME,
      {
        "https://a.example": 101,
        "https://b.example": 101,
        "https://c.example": 403,
        "https://a.example.org": 403,
        "http://a.example": 403,
        "https://a.example:8443": 403,
        null: 403,
        "": 403,
      },
    ],
  ] as const) {
    test(what, async () => {
      await using node = await startNode(args)
      const seen: Record<string, number> = {}
      for (const origin of Object.keys(answers)) {
        using raw = await RawSocket.connect(node.port, handshake(origin === "" ? {} : { Origin: origin }))
        await raw.waitUntil(() => raw.head !== "", "an answer")
        seen[origin] = Number(raw.head.split(" ")[1])
      }
      expect(seen).toEqual(answers)
    })
  }
})

function pingOf(bytes: number): string {
  const ping = { event: "ping", padding: "" }
  return JSON.stringify({ ...ping, padding: "x".repeat(bytes - JSON.stringify(ping).length) })
}
