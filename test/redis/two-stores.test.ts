// Two nodes on one Redis: races for the same room, relays between them, a node that dies, a node that goes.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { createClient } from "redis"
import { encodeRelays } from "../../src/cluster/node-message.ts"
import { makeKeys } from "../../src/cluster/redis/keys.ts"
import { makeRedisRoomStore } from "../../src/cluster/redis-room-store.ts"
import { makePeerId, type NodeId, type PeerId, type RoomKey } from "../../src/rooms/ids.ts"
import type { Member, RoomEvent } from "../../src/rooms/room-store.ts"
import { join, joinOf, makeRoom, memberOf, Recorder } from "../conformance/recorder.ts"
import { poll, type RedisServer, startProxy, startRedis } from "../helpers/redis.ts"
import { makePrefix, startStore } from "../helpers/redis-stores.ts"

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
}, 30_000)

afterAll(() => redis[Symbol.asyncDispose]())

const HOUR_SECONDS = 3600

/** The hash of this hour's statistics, the hour before added in case it has just struck. */
async function readStats(prefix: string, name: string): Promise<Record<string, string>> {
  const hour = Math.floor(Date.now() / 1000 / HOUR_SECONDS) * HOUR_SECONDS
  const lines: string[] = []
  for (const at of [hour - HOUR_SECONDS, hour]) {
    const text = await redis.cli("HGETALL", `${prefix}:store:stats:${name}:${at}`)
    lines.push(...text.trim().split("\n").filter(Boolean))
  }
  return Object.fromEntries(Array.from({ length: lines.length / 2 }, (_, at) => [lines[2 * at], lines[2 * at + 1]]))
}

async function keysOf(prefix: string): Promise<string[]> {
  const keys = (await redis.cli("KEYS", `*${prefix}:*`)).trim().split("\n").filter(Boolean)
  return keys.filter((key) => !key.includes(":store:stats:")).sort()
}

test("two nodes racing for a room see one log, and its sum is the room", async () => {
  const options = { urls: [redis.url], prefix: makePrefix() }
  await using a = await startStore(options)
  await using b = await startStore(options)
  const room = makeRoom()
  // One member at each node from the beginning to the end, so both hear everything.
  await join(a.store, joinOf(room, makePeerId()))
  await join(b.store, joinOf(room, makePeerId()))
  await Promise.all(
    Array.from({ length: 300 }, async (_, at) => {
      const { store } = at % 2 === 0 ? a : b
      const peer = makePeerId()
      await join(store, joinOf(room, peer, { limit: 1000, withSnapshot: at % 5 === 0 }))
      if (at % 3 > 0) await store.updateStatus(room, peer, 2, `{"at":${at}}`)
      if (at % 4 > 0) await store.leave(room, peer, 1)
    }),
  )
  const snapshot = await a.store.snapshot(room)
  expect(await b.store.snapshot(room)).toEqual(snapshot)
  await Promise.all([a.heard.reached(room, snapshot), b.heard.reached(room, snapshot)])
  const events = a.heard.eventsOf(room)
  expect(b.heard.eventsOf(room)).toEqual(events.slice(1))
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: snapshot.seq }, (_, at) => at + 1))
  expect(sumOf(events)).toEqual([...snapshot.members])
})

test("two nodes racing for the last places never give one too many", async () => {
  const options = { urls: [redis.url], prefix: makePrefix() }
  await using a = await startStore(options)
  await using b = await startStore(options)
  const room = makeRoom()
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? a : b).store.join(joinOf(room, makePeerId(), { limit: 7 }))),
  )
  expect(results.filter(({ kind }) => kind === "joined")).toHaveLength(7)
  expect((await a.store.snapshot(room)).members).toHaveLength(7)
  expect([...a.heard.opened, ...b.heard.opened]).toEqual([room])
})

test("of changes on their way together, one that cannot be carried out harms no other", async () => {
  const prefix = makePrefix()
  await using a = await startStore({ urls: [redis.url], prefix })
  await using b = await startStore({ urls: [redis.url], prefix })
  const rooms = Array.from({ length: 5 }, makeRoom)
  const [first, second] = [makePeerId(), makePeerId()]
  await Promise.all(rooms.map((room) => join(b.store, joinOf(room, first))))
  const key = makeKeys(prefix, false).room(0, rooms[2] as RoomKey)
  await redis.cli("SET", key, "somebody else's")
  const joins = await Promise.allSettled(rooms.map((room) => join(a.store, joinOf(room, second))))
  expect(joins.map(({ status }) => status === "fulfilled")).toEqual([true, true, false, true, true])
  for (const [at, join] of joins.entries()) {
    if (join.status === "rejected") continue
    await b.heard.reached(rooms[at] as RoomKey, join.value)
    expect(b.heard.eventsOf(rooms[at] as RoomKey).map(({ kind, seq }) => [kind, seq])).toEqual([
      ["joined", 1],
      ["joined", 2],
    ])
  }
  await redis.cli("DEL", key)
})

test("relays arrive in order, byte by byte, behind the sender's join and before its leave", async () => {
  const options = { urls: [redis.url], prefix: makePrefix() }
  await using a = await startStore(options)
  await using b = await startStore(options)
  const [room, from, to] = [makeRoom(), makePeerId(), makePeerId()]
  await join(b.store, joinOf(room, to))
  await join(a.store, joinOf(room, from))
  const texts = Array.from({ length: 3000 }, (_, at) => `{"n":${at},"text":"${"ü🦊".repeat(at % 50)}\n"}`)
  let wasLast = false
  b.heard.onRoomEvent = function (this: Recorder, ...args) {
    wasLast ||= args[1].kind === "left" && b.heard.relays.length === texts.length
    Recorder.prototype.onRoomEvent.apply(b.heard, args)
  }
  for (const text of texts) a.store.relay(b.store.node, { room, from, to, text }, undefined)
  const left = await a.store.leave(room, from, 1)
  await b.heard.reached(room, left)
  expect(b.heard.relays).toEqual(texts.map((text) => ({ room, from, to, text })))
  expect(wasLast).toBe(true)
  expect(a.store.counters.batchesSent).toBeLessThanOrEqual(10)
  expect(a.heard.failures).toEqual([])
})

test("a batch that comes twice is delivered once; broken and unknown ones are counted", async () => {
  const prefix = makePrefix()
  await using a = await startStore({ urls: [redis.url], prefix })
  const client = createClient({ url: redis.url })
  await client.connect()
  const [room, from, to] = [makeRoom(), makePeerId(), makePeerId()]
  const channel = `${prefix}:{0}:node:${a.store.node}`
  const batch = (number: number, sender = "other") =>
    encodeRelays(sender as NodeId, number, [{ room, from, to, text: `${sender} ${number}` }])
  const messages = [
    batch(1),
    batch(1),
    batch(2),
    batch(1),
    batch(1, "third"),
    Buffer.from("nonsense"),
    Buffer.from([0x92, 9, 1]),
  ]
  for (const message of [...messages, batch(9)]) await client.publish(channel, message)
  await a.heard.until(() => a.heard.relays.length === 4)
  expect(a.heard.relays.map(({ text }) => text)).toEqual(["other 1", "other 2", "third 1", "other 9"])
  const { batchesRepeated, framesBroken, framesUnknown, batchesReceived } = a.store.counters
  expect({ batchesRepeated, framesBroken, framesUnknown, batchesReceived }).toEqual({
    batchesRepeated: 2,
    framesBroken: 1,
    framesUnknown: 1,
    batchesReceived: 4,
  })
  await client.disconnect()
})

test("a relay to a node that does not answer fails as peer_unreachable, with its ref", async () => {
  await using a = await startStore({ urls: [redis.url], prefix: makePrefix() })
  const from = makePeerId()
  const relay = { room: makeRoom(), from, to: makePeerId(), text: "{}" }
  a.store.relay("nobody" as NodeId, relay, "ref 1")
  await a.heard.until(() => a.heard.failures.length === 1)
  expect(a.heard.failures).toEqual([{ from, ref: "ref 1", error: "peer_unreachable" }])
})

test("of too many relays that wait, the last are refused at once, the others get through", async () => {
  const options = { urls: [redis.url], prefix: makePrefix() }
  await using a = await startStore(options)
  await using b = await startStore(options)
  const relay = { room: makeRoom(), from: makePeerId(), to: makePeerId(), text: "x".repeat(300_000) }
  for (let at = 0; at < 80; at++) a.store.relay(b.store.node, relay, at)
  const refused = a.heard.failures.length
  expect(refused).toBe(16)
  expect(a.heard.failures[0]).toEqual({ from: relay.from, ref: 64, error: "unavailable" })
  await b.heard.until(() => b.heard.relays.length === 64)
})

test("a node cut off for longer than its lease is swept once, refused when late, and claims its members back", async () => {
  const prefix = makePrefix()
  await using proxy = await startProxy(redis.port)
  await using a = await startStore({ urls: [redis.url], prefix, leaseSeconds: 1 })
  await using b = await startStore({ urls: [redis.url], prefix, leaseSeconds: 1 })
  const cutHeard = new Recorder()
  await using cut = await startStore(
    { urls: [`redis://127.0.0.1:${proxy.port}`], prefix, leaseSeconds: 1, waitSeconds: 60 },
    cutHeard,
  )
  const rooms = Array.from({ length: 40 }, makeRoom)
  const peers = rooms.map(() => makePeerId())
  const stays = rooms.map(() => makePeerId())
  for (const [at, room] of rooms.entries()) {
    await join(a.store, joinOf(room, stays[at] as PeerId))
    await join(cut.store, joinOf(room, peers[at] as PeerId))
  }
  const lone = makeRoom()
  await join(cut.store, joinOf(lone, makePeerId()))
  cutHeard.resync = async () => {
    for (const [at, room] of rooms.entries()) {
      await cut.store.restore(room, [memberOf(cut.store.node, peers[at] as PeerId)], [])
    }
  }
  // Both are up for longer than a lease, so both may sweep.
  await poll(() => a.store.state === "up" && b.store.state === "up")
  proxy.freeze()
  proxy.isRefusing = true
  const leftOf = (at: number) => a.heard.eventsOf(rooms[at] as never).filter(({ kind }) => kind === "left")
  await a.heard.until(() => rooms.every((_, at) => leftOf(at).length === 1))
  await poll(() => a.store.counters.sweptMembers + b.store.counters.sweptMembers === rooms.length + 1)
  expect([...a.heard.closed, ...b.heard.closed]).toEqual([{ room: lone, peak: 1, openMs: expect.any(Number) }])
  await poll(async () => !(await redis.cli("ZRANGE", `${prefix}:nodes`, "0", "-1")).includes(cut.store.node))
  expect(await readStats(prefix, "connection_time")).toEqual({ "0": String(rooms.length + 1) })
  expect(await readStats(prefix, "room_peaks")).toEqual({ "1": "1" })
  expect((await keysOf(prefix)).filter((key) => key.includes(cut.store.node) || key.includes(lone))).toEqual([])

  proxy.isRefusing = false
  await cutHeard.until(() => cutHeard.resyncs === 1)
  await a.heard.until(() => rooms.every((room) => a.heard.eventsOf(room).length === 4))
  for (const [at, room] of rooms.entries()) {
    expect(sumOf(a.heard.eventsOf(room))).toEqual([
      memberOf(a.store.node, stays[at] as PeerId),
      memberOf(cut.store.node, peers[at] as PeerId),
    ])
  }
}, 30_000)

test("a node that closes takes its members with it, and the last one leaves nothing in Redis but the counts", async () => {
  const prefix = makePrefix()
  const a = await startStore({ urls: [redis.url], prefix })
  const b = await startStore({ urls: [redis.url], prefix })
  const [room, peer] = [makeRoom(), makePeerId()]
  await join(a.store, joinOf(room, makePeerId()))
  const { epoch } = await join(b.store, joinOf(room, peer))
  await b.store.close(5000)
  await a.heard.reached(room, { epoch, seq: 3 })
  expect(a.heard.eventsOf(room).at(-1)).toEqual({ epoch, seq: 3, kind: "left", peer, generation: 1 })
  expect(await redis.cli("ZRANGE", `${prefix}:nodes`, "0", "-1")).toBe(`${a.store.node}\n`)
  await a.store.close(5000)
  expect(await keysOf(prefix)).toEqual([])
  expect(await readStats(prefix, "room_peaks")).toEqual({ "2": "1" })
  expect(await readStats(prefix, "connection_time")).toEqual({ "0": "2" })
})

test("members of a node that no longer is are swept even when only a restore brought them back", async () => {
  const prefix = makePrefix()
  await using a = await startStore({ urls: [redis.url], prefix, leaseSeconds: 0.5 })
  const room = makeRoom()
  const own = memberOf(a.store.node, makePeerId())
  const ghost = memberOf("gone" as NodeId, makePeerId())
  const restored = await a.store.restore(room, [own], [ghost])
  expect(restored.members).toEqual([ghost, own])
  await a.heard.reached(room, { epoch: restored.epoch, seq: 3 })
  expect(sumOf(a.heard.eventsOf(room))).toEqual([own])
})

test("a node with another number of partitions refuses to start", async () => {
  const prefix = makePrefix()
  await using _ = await startStore({ urls: [redis.url], prefix })
  const other = makeRedisRoomStore({ urls: [redis.url], prefix, partitions: 4 })
  await expect(other.start(new Recorder())).rejects.toThrow("used with 1 partitions and this node has 4")
})

test("a deployment may have several partitions on a single Redis", async () => {
  const options = { urls: [redis.url], prefix: makePrefix(), partitions: 5 }
  await using a = await startStore(options)
  await using b = await startStore(options)
  const rooms = Array.from({ length: 30 }, makeRoom)
  for (const room of rooms) {
    const [from, to] = [makePeerId(), makePeerId()]
    await join(a.store, joinOf(room, from))
    await join(b.store, joinOf(room, to))
    a.store.relay(b.store.node, { room, from, to, text: "hello" }, undefined)
  }
  await b.heard.until(() => b.heard.relays.length === rooms.length)
  expect(new Set(b.heard.relays.map(({ room }) => room))).toEqual(new Set(rooms))
})

function sumOf(events: readonly RoomEvent[]): Member[] {
  const members = new Map<PeerId, Member>()
  for (const event of events) {
    if (event.kind === "joined") members.set(event.member.peer, event.member)
    else if (event.kind === "left") members.delete(event.peer)
    else if (event.kind === "status") {
      members.set(event.peer, { ...(members.get(event.peer) as Member), rev: event.rev, status: event.status })
    }
  }
  return [...members.values()]
}

test("a join that opened the room, was undone and is sent again begins another life of the room", async () => {
  await using proxy = await startProxy(redis.port)
  const prefix = makePrefix()
  const room = makeRoom()
  const heard = new Recorder()
  const { store } = await startStore({ urls: [`redis://127.0.0.1:${proxy.port}`], prefix }, heard)
  // As a hub does that has not heard of its join: nobody of this node is in the room.
  heard.resync = async () => {
    await store.restore(room, [], [])
  }
  const readEpoch = async () => (await redis.cli("HGET", `${prefix}:{0}:room:${room}:meta`, "epoch")).trim()
  // From here on Redis knows the script: without, its first answer would be that it does not.
  await join(store, joinOf(makeRoom(), makePeerId()))
  proxy.freezeAnswers()
  const joined = store.join(joinOf(room, makePeerId()))
  await poll(async () => (await readEpoch()) !== "")
  const first = await readEpoch()
  proxy.reset()
  expect(await joined).toMatchObject({ kind: "joined", position: { epoch: await readEpoch(), seq: 1 } })
  expect(await readEpoch()).not.toBe(first)
  await store.close(5000)
})
