// Connections that begin or end in odd moments: in the middle of a join, with half of it open, without a word. Whoever
// is gone leaves, and nobody stays as a ghost.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { frame, handshake, OPCODE, RawSocket, textFrame } from "../helpers/raw-socket.ts"
import { poll } from "../helpers/redis.ts"

let node: TestNode
let witness: TestClient
beforeAll(async () => {
  node = await startNode()
  witness = await TestClient.connect(node.url)
  await witness.join("witness")
})
afterAll(async () => {
  await poll(async () => (await node.metric("palava_rooms")) === 1)
  await witness.close()
  expect(node.complaints()).toBe("")
  await node[Symbol.asyncDispose]()
})

const JOIN = textFrame({ event: "join_room", room_id: "witness" })
const CLOSE = frame(OPCODE.close, new Uint8Array([0x03, 0xe8]))

/** A member over a bare socket, seen by the witness. */
async function joinRaw(): Promise<{ raw: RawSocket; peer: unknown }> {
  const raw = await RawSocket.open(node.port)
  raw.write(JOIN)
  const { own_id: peer } = await raw.nextEvent()
  expect(await witness.next()).toEqual({ event: "new_peer", peer_id: peer, status: {} })
  return { raw, peer }
}

test("a member that closes leaves", async () => {
  const { raw, peer } = await joinRaw()
  raw.write(CLOSE)
  expect(await witness.next()).toEqual({ event: "peer_left", sender_id: peer })
  expect(await raw.closed).toBe(1000)
})

test("a member that is reset leaves", async () => {
  const { raw, peer } = await joinRaw()
  raw.reset()
  expect(await witness.next()).toEqual({ event: "peer_left", sender_id: peer })
})

test("a member that half closes leaves", async () => {
  const { raw, peer } = await joinRaw()
  raw.halfClose()
  expect(await witness.next()).toEqual({ event: "peer_left", sender_id: peer })
  await raw.closed
})

test("a member whose last frame is cut off leaves", async () => {
  const { raw, peer } = await joinRaw()
  raw.write(textFrame({ event: "update_status", status: { never: "whole" } }).subarray(0, 20))
  raw.halfClose()
  expect(await witness.next()).toEqual({ event: "peer_left", sender_id: peer })
})

test("closing right behind the join, in one packet, leaves no ghost", async () => {
  for (let round = 0; round < 200; round++) {
    using raw = await RawSocket.connect(node.port, Buffer.concat([Buffer.from(handshake()), JOIN, CLOSE]))
    await raw.closed
    const joined = await witness.next()
    expect(joined).toEqual({ event: "new_peer", peer_id: expect.any(String), status: {} })
    expect(await witness.next()).toEqual({ event: "peer_left", sender_id: joined["peer_id"] })
  }
})

test("200 resets right behind the join leave no ghost", async () => {
  for (let round = 0; round < 200; round++) {
    using raw = await RawSocket.open(node.port)
    raw.write(JOIN)
    raw.reset()
  }
  // Those whose join was read are seen to come and go; a newcomer finds nobody but the witness.
  await using late = await TestClient.connect(node.url)
  await poll(async () => (await node.metric("palava_connections")) <= 2)
  await poll(
    async () => (await node.metric("palava_joined_room_total")) === 1 + (await node.metric("palava_leave_room_total")),
  )
  expect((await late.join("witness"))["peers"]).toEqual([{ peer_id: witness.ownId, status: {} }])
  const seen = await witness.drain()
  const come = seen.filter(({ event }) => event === "new_peer").map((event) => event["peer_id"])
  const gone = seen.filter(({ event }) => event === "peer_left").map((event) => event["sender_id"])
  // Several workers take them out in an order of their own.
  expect(come.toSorted()).toEqual([...gone, late.ownId].toSorted())
})

test("joining twice at once gives one membership and one error", async () => {
  using raw = await RawSocket.open(node.port)
  const second = textFrame({ event: "join_room", room_id: "elsewhere", ref: 2 })
  raw.write(Buffer.concat([JOIN, JOIN, second]))
  const joined = await raw.nextEvent()
  expect(joined["event"]).toBe("joined_room")
  const refusal = {
    event: "error",
    id: "already_joined",
    message: "already joined another room",
    description: "already joined another room",
  }
  expect(await raw.nextEvent()).toEqual(refusal)
  expect(await raw.nextEvent()).toEqual({ ...refusal, ref: 2 })
  raw.write(CLOSE)
  expect((await witness.next("new_peer"))["peer_id"]).toBe(joined["own_id"])
  expect((await witness.next())["sender_id"]).toBe(joined["own_id"])
})

test("leaving behind a join, and joining again, in one packet", async () => {
  using raw = await RawSocket.open(node.port)
  raw.write(Buffer.concat([JOIN, textFrame({ event: "leave_room" }), JOIN]))
  for (let joined = 0; joined < 2; joined++) expect((await raw.nextEvent())["event"]).toBe("joined_room")
  raw.write(CLOSE)
  await raw.closed
  const seen = [await witness.next(), await witness.next(), await witness.next(), await witness.next()]
  const peer = seen[0]?.["peer_id"]
  expect(seen).toEqual([
    { event: "new_peer", peer_id: peer, status: {} },
    { event: "peer_left", sender_id: peer },
    { event: "new_peer", peer_id: peer, status: {} },
    { event: "peer_left", sender_id: peer },
  ])
})

test("a connection that says nothing, or not what HTTP asks, disturbs nobody", async () => {
  using silent = await RawSocket.connect(node.port)
  using tls = await RawSocket.connect(node.port, new Uint8Array([0x16, 0x03, 0x01, 0, 5, 1, 0, 0, 1, 0]))
  using noise = await RawSocket.connect(node.port, "\0\0\0 what?\r\n\r\n")
  using half = await RawSocket.connect(node.port, handshake().slice(0, 60))
  await noise.closed
  half.halfClose()
  await half.closed
  tls.reset()
  expect(await witness.drain()).toEqual([])
  expect(silent.head).toBe("")
})

for (const [what, head, status] of [
  ["a Host that is no URL", "GET / HTTP/1.1\r\nHost: [\r\n\r\n", 400],
  ["a path that is no URL", "GET /%%% HTTP/1.1\r\nHost: a b:99999999\r\n\r\n", 400],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["no key", handshake().replace(/Sec-WebSocket-Key.*\r\n/, ""), 400],
  ["an unknown version of WebSocket", handshake({ "Sec-WebSocket-Version": "12" }), 426],
] as const) {
  test(`a request with ${what} gets ${status}`, async () => {
    using raw = await RawSocket.connect(node.port, head)
    await raw.waitUntil(() => raw.head !== "", "an answer")
    expect(raw.head).toStartWith(`HTTP/1.1 ${status} `)
  })
}
