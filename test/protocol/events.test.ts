// Every event of the protocol as it stands on the wire, whole: clients of palava-machine and signaltower read these.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { version } from "../../package.json" with { type: "json" }
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { handshake, RawSocket } from "../helpers/raw-socket.ts"

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let node: TestNode
beforeAll(async () => {
  node = await startNode()
})
afterAll(async () => {
  expect(node.complaints()).toBe("")
  await node[Symbol.asyncDispose]()
})

/** Two members of a new room, greetings heard. */
async function pair(
  statuses: readonly (object | undefined)[] = [],
): Promise<{ room: string; first: TestClient; second: TestClient }> {
  const room = crypto.randomUUID()
  const first = await TestClient.connect(node.url)
  const second = await TestClient.connect(node.url)
  await first.join(room, statuses[0])
  await second.join(room, statuses[1])
  await first.next("new_peer")
  return { room, first, second }
}

describe("the connection", () => {
  test("palava.1.0 is chosen among the sub-protocols offered", async () => {
    for (const [protocols, chosen] of [
      [["palava.1.0"], "palava.1.0"],
      [["chat", "palava.1.0"], "palava.1.0"],
      [[], ""],
    ] as const) {
      await using client = await TestClient.connect(node.url, { protocols: [...protocols] })
      expect(client.protocol).toBe(chosen)
    }
  })

  test("none is answered when the server knows none of those offered", async () => {
    for (const offered of ["chat", "chat, palava.2.0", "palava"]) {
      using raw = await RawSocket.open(node.port, { "Sec-WebSocket-Protocol": offered })
      expect(raw.head.toLowerCase()).not.toContain("sec-websocket-protocol")
      expect(raw.head).toContain("101")
    }
  })

  test("no compression is agreed on: small frames that unpack to large ones are nobody's trick here", async () => {
    using raw = await RawSocket.open(node.port, {
      "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    })
    expect(raw.head.toLowerCase()).not.toContain("sec-websocket-extensions")
  })

  test("any path and query string will do", async () => {
    for (const path of ["/", "/?token=a&x=%20", "/palava/socket?v=1", "/?", "//"]) {
      using raw = await RawSocket.connect(node.port, handshake({}, path))
      await raw.waitUntil(() => raw.head !== "", "an answer")
      expect(raw.head).toStartWith("HTTP/1.1 101 ")
    }
  })

  test("each has a peer id of its own, a random UUID, kept through leaving and joining", async () => {
    const { first, second } = await pair()
    for (const id of [first.ownId, second.ownId]) expect(id).toMatch(UUID_V4)
    expect(first.ownId).not.toBe(second.ownId)
    const before = first.ownId
    first.send({ event: "leave_room" })
    await first.join("another")
    expect(first.ownId).toBe(before)
  })
})

describe("join_room", () => {
  test("the first one meets nobody", async () => {
    await using client = await TestClient.connect(node.url)
    expect(await client.join(crypto.randomUUID())).toEqual({ event: "joined_room", own_id: client.ownId, peers: [] })
  })

  test("the newcomer hears of the members, oldest first and without itself, the members of the newcomer", async () => {
    const { room, first, second } = await pair([{ name: "first" }, undefined])
    await using third = await TestClient.connect(node.url)
    expect(await third.join(room, { name: "third", user_agent: "firefox", other: [1, { a: null }] })).toEqual({
      event: "joined_room",
      own_id: third.ownId,
      peers: [
        { peer_id: first.ownId, status: { name: "first" } },
        { peer_id: second.ownId, status: {} },
      ],
    })
    const welcome = {
      event: "new_peer",
      peer_id: third.ownId,
      status: { name: "third", user_agent: "firefox", other: [1, { a: null }] },
    }
    expect(await first.next()).toEqual(welcome)
    expect(await second.next()).toEqual(welcome)
    expect(await third.drain()).toEqual([])
  })

  test("rooms are apart", async () => {
    const { first, second } = await pair()
    const { first: other } = await pair()
    await using third = await TestClient.connect(node.url)
    await third.join("apart")
    other.send({ event: "update_status", status: { name: "other" } })
    await other.next("peer_updated_status")
    await other.close()
    for (const client of [first, second, third]) expect(await client.drain()).toEqual([])
  })

  test("room ids are any text, and exact", async () => {
    await using client = await TestClient.connect(node.url)
    await using other = await TestClient.connect(node.url)
    for (const [one, two] of [
      ["room", "Room"],
      ["room", "room "],
      ["caf\u00e9", "cafe\u0301"],
      ["__proto__", "constructor"],
      ["\u0000", "\u0001"],
    ] as const) {
      await client.join(one)
      expect((await other.join(two))["peers"]).toEqual([])
      other.send({ event: "leave_room" })
      expect((await other.join(one))["peers"]).toEqual([{ peer_id: client.ownId, status: {} }])
      for (const each of [client, other]) each.send({ event: "leave_room" })
      await other.drain()
    }
  })
})

describe("leave_room", () => {
  test("the others hear peer_left; who left hears nothing more", async () => {
    const { room, first, second } = await pair()
    first.send({ event: "leave_room" })
    expect(await second.next()).toEqual({ event: "peer_left", sender_id: first.ownId })
    second.send({ event: "update_status", status: { name: "alone" } })
    await second.next("peer_updated_status")
    expect(await first.drain()).toEqual([])
    expect((await first.join(room))["peers"]).toEqual([{ peer_id: second.ownId, status: { name: "alone" } }])
  })

  test("outside a room it is ignored", async () => {
    await using client = await TestClient.connect(node.url)
    client.send({ event: "leave_room", ref: 1 })
    expect(await client.drain()).toEqual([])
  })

  test("a room is born anew when its last member has left", async () => {
    const { room, first, second } = await pair([{ name: "old" }])
    for (const client of [first, second]) client.send({ event: "leave_room" })
    await Promise.all([first.drain(), second.drain()])
    expect((await second.join(room))["peers"]).toEqual([])
  })
})

describe("send_to_peer", () => {
  for (const data of [
    { event: "offer", sdp: { type: "offer", sdp: "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n" } },
    { event: "answer", sdp: { type: "answer", sdp: "v=0\r\n" } },
    { event: "ice_candidate", sdpmlineindex: 0, sdpmid: "0", candidate: "candidate:1 1 UDP 2 10.0.0.1 9 typ host" },
    { event: "ice_candidate", candidate: null },
    { event: "message", data: 'h\u00e9llo \u{1f600} "quoted" \\ \u2028 \u0000' },
    { event: "message", data: [1, -0.5, 1e21, true, false, null, [], {}, { "": "" }] },
    { event: "message" },
    { data: { event: "offer" }, event: "message" },
  ]) {
    test(`${JSON.stringify(data).slice(0, 60)} arrives as sent, with sender_id last`, async () => {
      const { first, second } = await pair()
      first.send({ event: "send_to_peer", peer_id: second.ownId, data })
      const heard = await second.next()
      expect(heard).toEqual({ ...data, sender_id: first.ownId })
      expect(Object.keys(heard)).toEqual([...Object.keys(data), "sender_id"])
      expect(await first.drain()).toEqual([])
    })
  }

  test("however it is written", async () => {
    const { first, second } = await pair()
    const data = '{"event":"message","n":1}'
    for (const text of [
      `{"event":"send_to_peer","peer_id":"${second.ownId}","data":${data}}`,
      `{"data":${data},"peer_id":"${second.ownId}","event":"send_to_peer"}`,
      ` { "event" : "send_to_peer" , "peer_id" : "${second.ownId}" , "data" : { "event" : "message" , "n" : 1 } } `,
      `{"event":"send_to_peer","peer_id":"${second.ownId}","data":${data},"extra":{"a":[1]},"ref":1}`,
      `{"event":"s\\u0065nd_to_peer","peer_id":"${second.ownId}","data":{"\\u0065vent":"message","n":1}}`,
      `{"event":"send_to_peer","peer_id":"${second.ownId}","data":{"event":"offer","event":"message","n":1}}`,
    ]) {
      first.send(text)
      expect(await second.next()).toEqual({ event: "message", n: 1, sender_id: first.ownId })
    }
  })

  test("sender_id cannot be forged, wherever it stands", async () => {
    const { first, second } = await pair()
    const forged = '"sender_id":"00000000-0000-4000-8000-000000000000"'
    for (const data of [
      `{${forged},"event":"message"}`,
      `{"event":"message",${forged}}`,
      `{"event":"message",${forged},${forged}}`,
      `{"event":"message","s\\u0065nder_id":"forged"}`,
      `{"event":"message", "sender_id" : {"sender_id":1} }`,
    ]) {
      first.send(`{"event":"send_to_peer","peer_id":"${second.ownId}","data":${data}}`)
      const heard = await second.next()
      expect(heard).toEqual({ event: "message", sender_id: first.ownId })
      expect(Object.keys(heard)).toEqual(["event", "sender_id"])
    }
    first.send(`{"event":"send_to_peer","peer_id":"${second.ownId}","data":{"event":"message","a":{${forged}}}}`)
    expect((await second.next())["sender_id"]).toBe(first.ownId)
  })

  test("__proto__ is a key as any other", async () => {
    const { first, second } = await pair()
    first.send(
      `{"event":"send_to_peer","peer_id":"${second.ownId}","data":{"event":"message","__proto__":{"x":1},"a":[]}}`,
    )
    const heard = await second.next()
    expect(Object.keys(heard)).toEqual(["event", "__proto__", "a", "sender_id"])
  })

  test("a peer may write to itself", async () => {
    const { first } = await pair()
    first.send({ event: "send_to_peer", peer_id: first.ownId, data: { event: "message" } })
    expect(await first.next()).toEqual({ event: "message", sender_id: first.ownId })
  })

  test("nobody else hears it", async () => {
    const { room, first, second } = await pair()
    await using third = await TestClient.connect(node.url)
    await third.join(room)
    first.send({ event: "send_to_peer", peer_id: second.ownId, data: { event: "message" } })
    await second.next("message")
    expect(await third.drain()).toEqual([])
  })
})

describe("ping and info", () => {
  test("pong, in a room and outside", async () => {
    const { first } = await pair()
    await using outside = await TestClient.connect(node.url)
    for (const client of [first, outside]) {
      client.send({ event: "ping" })
      expect(await client.next()).toEqual({ event: "pong" })
    }
  })

  test("info names the protocol and the server", async () => {
    await using client = await TestClient.connect(node.url)
    client.send({ event: "info" })
    expect(await client.next()).toEqual({
      event: "info",
      protocol_version: "1.0.0",
      server: "palava-machine",
      version,
    })
  })
})

describe("ref", () => {
  test("every direct answer carries the ref of its request", async () => {
    for (const ref of ["", "a", 'quoted " and \\', "\u{1f600}".repeat(64), 0, -1, 1.5, 1e300, 2 ** 53]) {
      await using client = await TestClient.connect(node.url)
      for (const [request, answer] of [
        [{ event: "ping" }, "pong"],
        [{ event: "info" }, "info"],
        [{ event: "fly" }, "error"],
        [{ event: "update_status", status: {} }, "error"],
        [{ event: "join_room" }, "error"],
        [{ event: "join_room", room_id: crypto.randomUUID() }, "joined_room"],
        [{ event: "join_room", room_id: "another" }, "error"],
        [{ event: "send_to_peer", peer_id: "x" }, "error"],
      ] as const) {
        client.send({ ...request, ref })
        const heard = await client.next()
        expect([heard.event, heard["ref"]]).toEqual([answer, ref])
      }
    }
  })

  test("what is no ref is ignored, and the request served", async () => {
    await using client = await TestClient.connect(node.url)
    for (const ref of ["null", "true", "{}", "[1]", `"${"x".repeat(65)}"`, "1e400"]) {
      client.send(`{"event":"ping","ref":${ref}}`)
      expect(await client.next()).toEqual({ event: "pong" })
    }
  })

  test("only direct answers carry it", async () => {
    const { first, second } = await pair()
    second.send({ event: "update_status", status: { name: "x" }, ref: 1 })
    expect(await first.next()).toEqual({ event: "peer_updated_status", sender_id: second.ownId, status: { name: "x" } })
    second.send({ event: "send_to_peer", peer_id: first.ownId, data: { event: "message" }, ref: 2 })
    expect(await first.next()).toEqual({ event: "message", sender_id: second.ownId })
  })
})

test("unknown extra fields are ignored", async () => {
  await using client = await TestClient.connect(node.url)
  client.send({
    event: "join_room",
    room_id: crypto.randomUUID(),
    password: "x",
    sender_id: "y",
    own_id: 1,
    peers: [1],
  })
  const joined = await client.next()
  expect(joined).toEqual({ event: "joined_room", own_id: expect.stringMatching(UUID_V4), peers: [] })
})
