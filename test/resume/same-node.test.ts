// A client whose connection breaks comes back to the node that has its membership: nobody sees that it was away.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { frame, OPCODE, RawSocket, textFrame } from "../helpers/raw-socket.ts"
import { errorOf, Member } from "./member.ts"

let node: TestNode
beforeAll(async () => {
  node = await startNode(["--resume-seconds", "30"])
})
afterAll(() => node.stop())

/** Two in a room of their own. */
async function two(room: string): Promise<[Member, Member]> {
  const ada = await Member.join(node.port, room, { name: "Ada" })
  const bob = await Member.join(node.port, room, { name: "Bob" })
  await ada.next("new_peer")
  return [ada, bob]
}

test("what was said while it was away comes in order, and the others see nothing", async () => {
  const [ada, bob] = await two("away")
  ada.cut()
  for (const n of [1, 2, 3]) bob.tell(ada, n)
  bob.say({ event: "update_status", status: { name: "Robert" } })
  await bob.next("peer_updated_status")
  expect(await ada.resume()).toEqual({
    event: "resumed",
    own_id: ada.id,
    received: 1,
    complete: true,
    resume: { token: expect.stringMatching(/^[0-9a-f-]{36}\.[0-9a-f]{64}\.[0-9a-f-]{36}\.[\w-]{43}$/), seconds: 30 },
  })
  expect(await ada.drain()).toEqual([
    ...[1, 2, 3].map((text) => ({ event: "message", text, sender_id: bob.id })),
    { event: "peer_updated_status", sender_id: bob.id, status: { name: "Robert" } },
  ])
  ada.tell(bob, "back")
  await ada.drain()
  expect(await bob.drain()).toEqual([{ event: "message", text: "back", sender_id: ada.id }])
})

test("an old connection that is still open is closed with 4509, and means nothing any more", async () => {
  const [ada, bob] = await two("old")
  const old = ada.socket
  await ada.resume()
  expect(await old.closed).toBe(4509)
  old.write(textFrame({ event: "leave_room" }))
  ada.tell(bob, 1)
  await ada.drain()
  bob.tell(ada, 2)
  expect(await bob.drain()).toEqual([{ event: "message", text: 1, sender_id: ada.id }])
  expect(await ada.drain()).toEqual([{ event: "message", text: 2, sender_id: bob.id }])
})

test("again and again, each time with the next token", async () => {
  const [ada, bob] = await two("again")
  const tokens = new Set<string>()
  for (let round = 0; round < 20; round++) {
    tokens.add(ada.token)
    ada.cut()
    bob.tell(ada, round)
    expect((await ada.resume()).complete).toBe(true)
    ada.tell(bob, round)
  }
  expect(tokens.size).toBe(20)
  for (const member of [ada, bob, ada]) await member.drain()
  const all = Array.from({ length: 20 }, (_, round) => round)
  expect([ada.heardFrom(bob), bob.heardFrom(ada)]).toEqual([all, all])
})

test("what is kept is bounded: over 256 frames it comes back to the room as it stands, and counts anew", async () => {
  const [ada, bob] = await two("bound")
  ada.cut()
  for (let n = 0; n < 300; n++) bob.tell(ada, n)
  await bob.drain()
  expect(await ada.resume()).toEqual({
    event: "resumed",
    own_id: ada.id,
    received: 0,
    complete: false,
    status: { name: "Ada" },
    peers: [{ peer_id: bob.id, status: { name: "Bob" } }],
    resume: { token: expect.any(String), seconds: 30 },
  })
  expect(await ada.drain()).toEqual([])
  // From here on it counts again.
  bob.tell(ada, "new")
  await bob.drain()
  ada.cut()
  expect((await ada.resume()).complete).toBe(true)
  ada.tell(bob, "new")
  await ada.drain()
  expect([ada.heardFrom(bob), await bob.drain()]).toEqual([
    ["new"],
    [{ event: "message", text: "new", sender_id: ada.id }],
  ])
  expect(await node.metric("palava_resume_frames_dropped_total", 'bound="membership"')).toBeGreaterThan(0)
})

test("256 KiB are a bound, too", async () => {
  const [ada, bob] = await two("bytes")
  ada.cut()
  for (let n = 0; n < 6; n++) bob.tell(ada, "x".repeat(50_000))
  await bob.drain()
  expect((await ada.resume()).complete).toBe(false)
})

test("who says what it has is sent more, as nothing is kept in vain", async () => {
  const [ada, bob] = await two("acknowledged")
  for (let n = 0; n < 300; n++) bob.tell(ada, n)
  await bob.drain()
  await ada.drain()
  ada.cut()
  for (let n = 300; n < 550; n++) bob.tell(ada, n)
  await bob.drain()
  expect((await ada.resume()).complete).toBe(true)
  await ada.drain()
  expect(ada.heardFrom(bob)).toEqual(Array.from({ length: 550 }, (_, n) => n))
})

describe("what leaves at once", () => {
  test("a close frame of the client", async () => {
    for (const code of [1000, 1001]) {
      const [ada, bob] = await two(`close ${code}`)
      const payload = Buffer.alloc(2)
      payload.writeUInt16BE(code)
      ada.socket.write(frame(OPCODE.close, payload))
      expect(await bob.next("peer_left")).toEqual({ event: "peer_left", sender_id: ada.id })
      expect(await ada.resume()).toMatchObject({ event: "error", id: "resume_failed" })
    }
  })

  test("leave_room, and then it may join anew and be somebody that can resume again", async () => {
    const [ada, bob] = await two("leave")
    ada.say({ event: "leave_room" })
    await bob.next("peer_left")
    ada.ask()
    expect(await ada.answered()).toMatchObject(errorOf("resume_failed", "cannot resume"))
    ada.socket.write(textFrame({ event: "join_room", room_id: "leave", resume: true }))
    const joined = await ada.socket.nextEvent()
    expect(joined).toMatchObject({ event: "joined_room", resume: { seconds: 30 } })
    await bob.next("new_peer")
    ada.token = (joined["resume"] as { token: string }).token
    ada.received = ada.sent = 1
    ada.kept = []
    ada.cut()
    expect((await ada.resume()).complete).toBe(true)
  })

  test("a client that cannot resume, however it ends", async () => {
    const bob = await Member.join(node.port, "plain")
    const plain = await TestClient.connect(node.url)
    expect(await plain.join("plain")).not.toHaveProperty("resume")
    await bob.next("new_peer")
    plain.send({ event: "ping", received: "anything" })
    expect(await plain.next("pong")).toEqual({ event: "pong" })
    plain.terminate()
    expect(await bob.next("peer_left")).toEqual({ event: "peer_left", sender_id: plain.ownId })
  })
})

test("it is held for as long as was said, and then leaves", async () => {
  await using short = await startNode(["--resume-seconds", "1"])
  const ada = await Member.join(short.port)
  const bob = await Member.join(short.port)
  ada.cut()
  expect(await bob.next("peer_left")).toEqual({ event: "peer_left", sender_id: ada.id })
  expect(await ada.resume()).toMatchObject({ id: "resume_failed" })
  expect(await short.metric("palava_resume_expired_total")).toBe(1)
  expect(await short.metric("palava_resume_held_members")).toBe(0)
  bob.socket[Symbol.dispose]()
})

test("--resume-seconds 0: nobody can, and nothing is held", async () => {
  await using never = await startNode(["--resume-seconds", "0"])
  const bob = await TestClient.connect(never.url)
  await bob.join("room")
  using ada = await RawSocket.open(never.port)
  ada.write(textFrame({ event: "join_room", room_id: "room", resume: true }))
  const joined = await ada.nextEvent()
  expect(joined).not.toHaveProperty("resume")
  ada[Symbol.dispose]()
  expect(await bob.next("peer_left")).toEqual({ event: "peer_left", sender_id: joined["own_id"] })
})

test("what is kept for all is bounded by --resume-memory-mb, and given back", async () => {
  await using small = await startNode(["--resume-memory-mb", "1"])
  const bob = await Member.join(small.port)
  const away: Member[] = []
  for (let count = 0; count < 6; count++) away.push(await Member.join(small.port))
  for (const ada of away) ada.cut()
  for (const ada of away) for (let n = 0; n < 4; n++) bob.tell(ada, "x".repeat(60_000))
  await bob.drain()
  expect(await small.metric("palava_resume_kept_bytes")).toBeLessThanOrEqual(1_048_576)
  expect(await small.metric("palava_resume_frames_dropped_total", 'bound="node"')).toBeGreaterThan(0)
  const completes: boolean[] = []
  for (const ada of away) completes.push((await ada.resume()).complete)
  expect(completes).toContain(true)
  expect(completes).toContain(false)
  for (const member of [bob, ...away]) {
    member.say({ event: "leave_room" })
    member.socket.write(textFrame({ event: "ping", ref: "left" }))
    while ((await member.socket.nextEvent())["ref"] !== "left");
  }
  expect(await small.metric("palava_resume_kept_bytes")).toBe(0)
})
