// One peer id at two nodes: whoever comes later has it, every node hears so in one order, and what Redis keeps of each
// node stays true. And members of a dead node, which are named when they are swept.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { makePeerId, type RoomKey } from "../../src/rooms/ids.ts"
import { join, joinOf, makeRoom, memberOf } from "../conformance/recorder.ts"
import { poll, type RedisServer, startProxy, startRedis } from "../helpers/redis.ts"
import { makePrefix, startStore } from "../helpers/redis-stores.ts"

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
}, 30_000)

afterAll(() => redis[Symbol.asyncDispose]())

/** What Redis keeps of the nodes of a room: members by node, and the nodes that have it among their rooms. */
async function nodesOf(prefix: string, room: RoomKey, nodes: readonly string[]) {
  const lines = (await redis.cli("HGETALL", `${prefix}:{0}:room:${room}:nodes`)).trim().split("\n").filter(Boolean)
  const counts = Object.fromEntries(lines.flatMap((name, at) => (at % 2 === 0 ? [[name, lines[at + 1]]] : [])))
  const among: string[] = []
  for (const node of nodes) {
    const rooms = await redis.cli("SMEMBERS", `${prefix}:{0}:rooms-of:${node}`)
    if (rooms.includes(room)) among.push(node)
  }
  return { counts, among }
}

test("a join that replaces a member of another node: both hear it, and the counts move", async () => {
  const prefix = makePrefix()
  await using a = await startStore({ urls: [redis.url], prefix })
  await using b = await startStore({ urls: [redis.url], prefix })
  const nodes = [a.store.node, b.store.node]
  const [room, peer] = [makeRoom(), makePeerId()]
  await join(a.store, joinOf(room, peer))
  expect(await b.store.join(joinOf(room, peer, { ifTaken: "refuse" }))).toEqual({ kind: "taken" })
  expect(await nodesOf(prefix, room, nodes)).toEqual({ counts: { [a.store.node]: "1" }, among: [a.store.node] })

  // The same generation, of another node: another membership.
  const { epoch, seq, snapshot } = await join(b.store, joinOf(room, peer, { limit: 1 }))
  expect(seq).toBe(3)
  const member = memberOf(b.store.node, peer)
  expect(snapshot?.members).toEqual([member])
  await Promise.all([a.heard.reached(room, { epoch, seq }), b.heard.reached(room, { epoch, seq })])
  const moved = [
    { epoch, seq: 2, kind: "left" as const, peer, generation: 1 },
    { epoch, seq: 3, kind: "joined" as const, member },
  ]
  expect(a.heard.eventsOf(room).slice(1)).toEqual(moved)
  expect(b.heard.eventsOf(room)).toEqual(moved)
  expect(await nodesOf(prefix, room, nodes)).toEqual({ counts: { [b.store.node]: "1" }, among: [b.store.node] })
  expect(b.heard.opened).toEqual([])

  // The node that had it can do nothing with it any more, whatever it still believes.
  expect(await a.store.leave(room, peer, 1)).toBeUndefined()
  expect(await a.store.updateStatus(room, peer, 9, "{}")).toBeUndefined()
  expect(await a.store.publish(room, peer, 9, "late", "all")).toBeUndefined()
  expect((await a.store.restore(room, [memberOf(a.store.node, peer)], [])).members).toEqual([member])
  expect(await nodesOf(prefix, room, nodes)).toEqual({ counts: { [b.store.node]: "1" }, among: [b.store.node] })
  expect(await b.store.leave(room, peer, 1)).toEqual({ epoch, seq: 4 })
  expect(b.heard.closed).toEqual([{ room, peak: 1, openMs: expect.any(Number) }])
})

test("a member taken over, as Redis has forgotten: the node that has it again and the one that had it both hear so", async () => {
  const prefix = makePrefix()
  await using a = await startStore({ urls: [redis.url], prefix })
  await using b = await startStore({ urls: [redis.url], prefix })
  const [room, peer] = [makeRoom(), makePeerId()]
  await join(a.store, joinOf(room, peer))
  const own = { ...memberOf(b.store.node, peer), generation: 7, rev: 7, born: 1 }
  const { members, epoch, seq } = await b.store.restore(room, [own], [])
  expect(members).toEqual([own])
  await Promise.all([a.heard.reached(room, { epoch, seq }), b.heard.reached(room, { epoch, seq })])
  for (const { heard } of [a, b]) {
    expect(heard.eventsOf(room).at(-1)).toEqual({ epoch, seq: 2, kind: "moved", member: own })
  }
  expect(await nodesOf(prefix, room, [a.store.node, b.store.node])).toEqual({
    counts: { [b.store.node]: "1" },
    among: [b.store.node],
  })
})

test("of two members of a node, one that moves takes only itself along", async () => {
  const prefix = makePrefix()
  await using a = await startStore({ urls: [redis.url], prefix })
  await using b = await startStore({ urls: [redis.url], prefix })
  const [room, peer, stays] = [makeRoom(), makePeerId(), makePeerId()]
  await join(a.store, joinOf(room, peer))
  await join(a.store, joinOf(room, stays))
  await join(b.store, joinOf(room, peer, { generation: 7 }))
  expect(await nodesOf(prefix, room, [a.store.node, b.store.node])).toEqual({
    counts: { [a.store.node]: "1", [b.store.node]: "1" },
    among: [a.store.node, b.store.node],
  })
})

test("frames of two nodes reach both in one order, behind what was relayed before", async () => {
  const prefix = makePrefix()
  await using a = await startStore({ urls: [redis.url], prefix })
  await using b = await startStore({ urls: [redis.url], prefix })
  const [room, one, two] = [makeRoom(), makePeerId(), makePeerId()]
  await join(a.store, joinOf(room, one))
  await join(b.store, joinOf(room, two))
  let wasBehind = false
  const { onRoomEvent } = b.heard
  b.heard.onRoomEvent = (key, event) => {
    if (event.kind === "frame" && event.peer === one && event.text === "a 1") wasBehind = b.heard.relays.length === 1
    onRoomEvent.call(b.heard, key, event)
  }
  a.store.relay(b.store.node, { room, from: one, to: two, text: "before" }, undefined)
  const frames = Array.from({ length: 50 }, (_, at) => [
    a.store.publish(room, one, at + 2, `a ${at + 1}`, "others"),
    b.store.publish(room, two, at + 2, `b ${at + 1}`, "all"),
  ]).flat()
  const positions = await Promise.all(frames)
  const last = positions.reduce((best, position) => ((position?.seq ?? 0) > (best?.seq ?? 0) ? position : best))
  expect(last?.seq).toBe(102)
  await Promise.all([a.heard.reached(room, last), b.heard.reached(room, last)])
  const heard = a.heard.eventsOf(room).slice(2)
  expect(heard).toEqual(b.heard.eventsOf(room).slice(1))
  const texts = heard.flatMap((event) => (event.kind === "frame" ? [event.text] : []))
  expect(texts.filter((text) => text.startsWith("a"))).toEqual(
    Array.from({ length: 50 }, (_, at) => `a ${at + 1}`, "others"),
  )
  expect(wasBehind).toBe(true)
})

test("whoever sweeps a dead node is told each of its members, and how long it stayed", async () => {
  const prefix = makePrefix()
  await using proxy = await startProxy(redis.port)
  await using a = await startStore({ urls: [redis.url], prefix, leaseSeconds: 0.5 })
  await using b = await startStore({ urls: [redis.url], prefix, leaseSeconds: 0.5 })
  const dead = await startStore({ urls: [`redis://127.0.0.1:${proxy.port}`], prefix, leaseSeconds: 0.5 })
  const room = makeRoom()
  const peers = [makePeerId(), makePeerId()]
  for (const peer of peers) await join(dead.store, joinOf(room, peer))
  await poll(() => a.store.state === "up" && b.store.state === "up")
  proxy.isRefusing = true
  proxy.freeze()
  const swept = () => [...a.heard.swept, ...b.heard.swept]
  await poll(() => swept().length === 2)
  expect(swept()).toEqual(peers.map((peer) => ({ room, peer, stayedMs: expect.any(Number) })))
  // Less than a lease: that was a part of its length old when they came.
  for (const { stayedMs } of swept()) expect(stayedMs).toBeGreaterThanOrEqual(100)
  await dead.store.close(0)
})
