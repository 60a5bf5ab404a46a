// A client comes back to another node than the one it was connected to, which lives, is dead, or went gently: it is the
// same member, and the others see nothing.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { TestNode } from "../helpers/node.ts"
import { RawSocket, textFrame } from "../helpers/raw-socket.ts"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import * as cluster from "./cluster.ts"
import { stop, three } from "./cluster.ts"
import { Member } from "./member.ts"

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

const startNodes = (count: number, args?: readonly string[]) => cluster.startNodes(redis, count, args)

/** Ada is the same to the others, who can speak to her and she to them. */
async function expectSame(ada: Member, ...others: Member[]): Promise<void> {
  for (const other of others) {
    other.tell(ada, "to you")
    expect(await ada.next("message")).toEqual({ event: "message", text: "to you", sender_id: other.id })
    ada.tell(other, "to you, too")
    expect(await other.next()).toEqual({ event: "message", text: "to you, too", sender_id: ada.id })
  }
}

/** What Ada is told when her log is not at hand. */
const anew = (ada: Member, status: object, peers: readonly (readonly [Member, object])[]) => ({
  event: "resumed",
  own_id: ada.id,
  received: 0,
  complete: false,
  status,
  peers: peers.map(([peer, status]) => ({ peer_id: peer.id, status })),
  resume: { token: expect.any(String), seconds: 30 },
})

test("killed with -9: before its lease has ended she is the same at another node", async () => {
  const nodes = await startNodes(3)
  const [a, b, c] = nodes as [TestNode, TestNode, TestNode]
  const [ada, bob, cyd] = await three(nodes)
  ada.say({ event: "update_status", status: { mood: "fine" } })
  for (const member of [ada, bob, cyd]) await member.next("peer_updated_status")
  a.kill("SIGKILL")
  const others = [
    [bob, { name: "Bob" }],
    [cyd, { name: "Cyd" }],
  ] as const
  const status = { name: "Ada", mood: "fine" }
  expect(await ada.resume(b.port)).toEqual(anew(ada, status, others) as never)
  await expectSame(ada, bob, cyd)
  // Once more, to a third, which has nobody in the room.
  for (const { port } of [c, c, b]) {
    ada.cut()
    expect((await ada.resume(port)).complete).toBe(true)
    await expectSame(ada, bob, cyd)
  }
  for (const member of [bob, cyd]) expect(await member.drain()).toEqual([])
  await stop([b, c])
})

test("her node lives, and her old connection too: it is closed with 4509, and there is one of her", async () => {
  const nodes = await startNodes(2)
  const [a, b] = nodes as [TestNode, TestNode]
  const [ada, bob, cyd] = await three(nodes)
  const old = ada.socket
  expect((await ada.resume(b.port)).complete).toBe(true)
  expect(await old.closed).toBe(4509)
  await expectSame(ada, bob, cyd)
  const token = ada.token
  ada.cut()
  expect((await ada.resume(a.port)).complete).toBe(true)
  await expectSame(ada, bob, cyd)
  // The token of before is worth nothing, at either node.
  const eve = await Member.join(a.port, "elsewhere")
  for (const { port } of [a, b]) {
    eve.cut()
    eve.token = token
    expect(await eve.resume(port)).toMatchObject({ event: "error", id: "resume_failed" })
  }
  expect(await bob.drain()).toEqual([])
  await stop(nodes)
})

test("three connections at two nodes ask at once with one token: one of them has her in the end, and can prove it", async () => {
  const nodes = await startNodes(3)
  const [, b, c] = nodes as [TestNode, TestNode, TestNode]
  for (let round = 0; round < 5; round++) {
    const [ada, bob] = await three(nodes, `room ${round}`)
    const ask = textFrame({ event: "resume", token: ada.token, received: ada.received })
    const rivals = await Promise.all([b.port, c.port, b.port].map((port) => RawSocket.open(port)))
    for (const rival of rivals) rival.write(ask)
    const all = [ada.socket, ...rivals]
    const lost = new Set<RawSocket>()
    for (const socket of all) socket.closed.then(() => lost.add(socket))
    await poll(() => lost.size === all.length - 1)
    const winner = all.find((socket) => !lost.has(socket)) as RawSocket
    expect(await winner.nextEvent()).toMatchObject({ event: "resumed", complete: true })
    winner.write(textFrame({ event: "ping", ref: "mine" }))
    expect(await winner.nextEvent()).toMatchObject({ event: "pong", ref: "mine" })
    expect(await ada.rival(b.port)).toMatchObject({ event: "error", id: "resume_failed" })
    expect(await bob.drain()).toEqual([])
    winner[Symbol.dispose]()
  }
  await stop(nodes)
})

test("swept after her lease: she joins anew", async () => {
  const nodes = await startNodes(2, ["--lease-seconds", "1"])
  const [a, b] = nodes as [TestNode, TestNode]
  const [ada, bob] = await three(nodes)
  a.kill("SIGKILL")
  expect(await bob.next("peer_left")).toEqual({ event: "peer_left", sender_id: ada.id })
  expect(await ada.resume(b.port)).toMatchObject({ event: "error", id: "resume_failed" })
  await stop([b])
})

for (const [signal, complete] of [
  ["SIGTERM", true],
  ["SIGINT", false],
] as const) {
  test(`${signal}: those who can come back do, at another node, and are seen by nobody to have been away`, async () => {
    const nodes = await startNodes(2)
    const [a, b] = nodes as [TestNode, TestNode]
    const [ada, bob, cyd] = await three(nodes)
    // Away already when her node goes.
    const dan = await Member.join(a.port, "room")
    for (const member of [ada, bob, cyd]) await member.next("new_peer")
    dan.cut()
    await a.metric("palava_connections")
    a.kill(signal)
    expect(await ada.socket.closed).toBe(1001)
    if (signal === "SIGINT") expect(await a.exited).toBe(0)
    expect((await ada.resume(b.port)).complete).toBe(complete)
    expect((await dan.resume(b.port)).complete).toBe(complete)
    expect(await a.exited).toBe(0)
    for (const member of [bob, cyd]) expect(await member.drain()).toEqual([])
    await expectSame(ada, bob, cyd, dan)
    expect(a.complaints()).toBe("")
    await stop([b])
  })
}

test("SIGTERM: what is said to those who are away, meanwhile too, is kept for them until they have come back", async () => {
  const nodes = await startNodes(2)
  const [a, b] = nodes as [TestNode, TestNode]
  const [ada, bob, cyd] = await three(nodes)
  a.kill("SIGTERM")
  expect(await ada.socket.closed).toBe(1001)
  for (const number of [1, 2, 3]) for (const other of [bob, cyd]) other.tell(ada, number)
  bob.say({ event: "update_status", status: { name: "Robert" } })
  await bob.next("peer_updated_status")
  ada.takeAll()
  expect((await ada.resume(b.port)).complete).toBe(true)
  await ada.drain()
  for (const other of [bob, cyd]) expect(ada.heardFrom(other)).toEqual([1, 2, 3])
  expect(ada.heard.filter(({ event }) => event === "peer_updated_status")).toHaveLength(1)
  expect(await a.exited).toBe(0)
  await stop([b])
})

test("SIGTERM, and nobody comes back: a second one ends it at once", async () => {
  const nodes = await startNodes(2)
  const [a, b] = nodes as [TestNode, TestNode]
  const [ada] = await three(nodes)
  a.kill("SIGTERM")
  expect(await ada.socket.closed).toBe(1001)
  const began = performance.now()
  a.kill("SIGTERM")
  expect(await a.exited).toBe(0)
  expect(performance.now() - began).toBeLessThan(2_000)
  await stop([b])
})

test("nobody comes back to a node that went: its members leave when its lease has ended", async () => {
  const nodes = await startNodes(2, ["--lease-seconds", "1"])
  const [a] = nodes as [TestNode]
  const [ada, bob] = await three(nodes)
  a.kill("SIGTERM")
  expect(await a.exited).toBe(0)
  expect(await bob.next("peer_left")).toEqual({ event: "peer_left", sender_id: ada.id })
  await stop(nodes)
})

test("Redis loses everything: the proofs are put back with the members", async () => {
  const nodes = await startNodes(2)
  const [a, b] = nodes as [TestNode, TestNode]
  const [ada, bob, cyd] = await three(nodes)
  ada.cut()
  expect((await ada.resume(a.port)).complete).toBe(true)
  await redis.restart({ keepData: false })
  for (const node of nodes) {
    for (;;) if ((await fetch(`${node.httpUrl}readyz`)).status === 200) break
  }
  await expectSame(ada, bob, cyd)
  a.kill("SIGKILL")
  expect((await ada.resume(b.port)).complete).toBe(false)
  expect(await bob.drain()).toEqual([])
  await stop([b])
})
