// Redis that comes back with older data than it had: killed and restarted from a snapshot, or replaced by a replica that
// lost the last writes. Whoever joined or left since is neither lost nor a ghost, and commands are answered as before.

import { expect, test } from "bun:test"
import { setTimeout as sleep } from "node:timers/promises"
import { makePeerId } from "../../src/rooms/ids.ts"
import { join, joinOf, makeRoom, memberOf } from "../conformance/recorder.ts"
import { poll, startProxy, startRedis } from "../helpers/redis.ts"
import { makePrefix, startStore } from "../helpers/redis-stores.ts"
import { Traffic } from "../helpers/redis-traffic.ts"

// 1 s instead of 10 s: leases end in a tenth of the time.
const LEASE_SECONDS = 1

// 300 ms of traffic: some hundred actions before, between and after. Time is the subject here, not a wait.
const A_WHILE_MS = 300

/** Snapshots only when asked for, and nothing else kept. */
const SNAPSHOTS_ONLY = ["--appendonly", "no", "--save", ""]

test("restarted from a snapshot, under traffic, again and again", async () => {
  await using redis = await startRedis(...SNAPSHOTS_ONLY)
  const options = { urls: [redis.url], prefix: makePrefix(), leaseSeconds: LEASE_SECONDS }
  await using traffic = await Traffic.start([options, options, options])
  for (let count = 0; count < 3; count++) {
    await sleep(A_WHILE_MS)
    await redis.cli("SAVE")
    await sleep(A_WHILE_MS)
    await redis.restart()
    await poll(() => traffic.nodes.every(({ store }) => store.counters.resyncs > count && store.state === "up"))
    await sleep(A_WHILE_MS)
    await traffic.settle()
    traffic.run()
  }
  await sleep(A_WHILE_MS)
  await traffic.settle()
  await traffic.leave()
}, 60_000)

test("replaced by a replica that had lost its master for a while, under traffic", async () => {
  await using master = await startRedis()
  await using replica = await startRedis()
  await replica.cli("REPLICAOF", "127.0.0.1", String(master.port))
  await poll(async () => (await replica.cli("INFO", "replication")).includes("master_link_status:up"))
  const proxies = await Promise.all([0, 1, 2].map(() => startProxy(master.port)))
  const prefix = makePrefix()
  const optionsOf = (port: number) => ({
    urls: [`redis://127.0.0.1:${port}`],
    prefix,
    leaseSeconds: LEASE_SECONDS,
  })
  {
    await using traffic = await Traffic.start(proxies.map(({ port }) => optionsOf(port)))
    await sleep(A_WHILE_MS)
    await replica.cli("REPLICAOF", "NO", "ONE")
    await sleep(A_WHILE_MS)
    for (const proxy of proxies) proxy.target = replica.port
    await master.kill()
    await poll(() => traffic.nodes.every(({ store }) => store.counters.resyncs > 0 && store.state === "up"))
    await sleep(A_WHILE_MS)
    await traffic.settle()
    await traffic.leave()
  }
  await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()))
}, 60_000)

test("a room of which the snapshot knows who left since, and who is at a node long gone", async () => {
  await using redis = await startRedis(...SNAPSHOTS_ONLY)
  const prefix = makePrefix()
  const options = { urls: [redis.url], prefix, leaseSeconds: LEASE_SECONDS }
  await using a = await startStore(options)
  await using b = await startStore(options)
  const gone = await startStore(options)
  const [room, empty] = [makeRoom(), makeRoom()]
  const [stays, leaves, other, dead] = [makePeerId(), makePeerId(), makePeerId(), makePeerId()]
  await join(a.store, joinOf(room, stays))
  await join(a.store, joinOf(room, leaves))
  await join(gone.store, joinOf(room, dead))
  await join(a.store, joinOf(empty, leaves))
  await redis.cli("SAVE")
  await a.store.leave(room, leaves, 1)
  await a.store.leave(empty, leaves, 1)
  await a.store.updateStatus(room, stays, 2, '{"a":2}')
  await gone.store.close(1000)
  const joined = await join(b.store, joinOf(room, other))
  const own = memberOf(a.store.node, stays, { rev: 2, status: '{"a":2}' })
  const others = memberOf(b.store.node, other)
  a.heard.resync = async () => {
    await a.store.restore(room, [own], [others])
  }
  b.heard.resync = async () => {
    await b.store.restore(room, [others], [own])
  }
  await redis.restart()
  await poll(() => a.heard.resyncs === 1 && b.heard.resyncs === 1)
  // The same epoch, and a lower seq than it had: who goes by the place it had in the log would wait for ever.
  const snapshot = await a.store.snapshot(room)
  expect(snapshot.epoch).toBe(joined.epoch)
  expect(snapshot.members).toContainEqual(own)
  // The members of the node that is gone are swept once more.
  await poll(async () => (await a.store.snapshot(room)).members.length === 2)
  const { members } = await b.store.snapshot(room)
  expect(members.toSorted((x, y) => (x.peer < y.peer ? -1 : 1))).toEqual(
    [own, others].toSorted((x, y) => (x.peer < y.peer ? -1 : 1)),
  )
  await poll(async () => (await a.store.snapshot(empty)).members.length === 0)
  expect(await a.store.updateStatus(room, stays, 3, "{}")).toBeDefined()
  await poll(async () => !(await redis.cli("ZRANGE", `${prefix}:nodes`, "0", "-1")).includes(gone.store.node))
}, 30_000)

test("members of a node without a lease get one when a restore meets them, and are swept behind it", async () => {
  await using redis = await startRedis()
  const prefix = makePrefix()
  await using proxy = await startProxy(redis.port)
  await using a = await startStore({ urls: [redis.url], prefix, leaseSeconds: LEASE_SECONDS })
  const gone = await startStore({ urls: [`redis://127.0.0.1:${proxy.port}`], prefix, leaseSeconds: LEASE_SECONDS })
  const [room, stays] = [makeRoom(), makePeerId()]
  await join(a.store, joinOf(room, stays))
  await join(gone.store, joinOf(room, makePeerId()))
  a.heard.resync = async () => {
    await a.store.restore(room, [memberOf(a.store.node, stays)], [])
  }
  // As of a cluster of which the master of the rooms has come back with older data, and the one of the leases has not.
  proxy.freeze()
  proxy.isRefusing = true
  await gone.store.close(0)
  await redis.cli("ZREM", `${prefix}:nodes`, gone.store.node)
  expect((await a.store.snapshot(room)).members).toHaveLength(2)
  await redis.cli("CLIENT", "KILL", "TYPE", "pubsub")
  await poll(async () => (await a.store.snapshot(room)).members.length === 1)
}, 30_000)
