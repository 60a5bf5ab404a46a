// Three nodes with live traffic, and everything that can happen between them and Redis. Clients check every event; at
// the end every view equals the truth, and when all have left Redis is empty.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { setTimeout as sleep } from "node:timers/promises"
import { type NetworkProxy, poll, type RedisServer, startCluster, startProxy, startRedis } from "../helpers/redis.ts"
import { makePrefix } from "../helpers/redis-stores.ts"
import { Traffic } from "../helpers/redis-traffic.ts"

// 1 s instead of 10 s: the same faults in a tenth of the time.
const LEASE_SECONDS = 1

// 300 ms of traffic: some hundred actions before, between and after faults. Time is the subject here, not a wait.
const A_WHILE_MS = 300

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
}, 30_000)

afterAll(() => redis[Symbol.asyncDispose]())

/** Runs `faults` under traffic, each node behind a proxy of its own, and then compares everything. */
async function underTraffic(
  faults: (traffic: Traffic, proxies: NetworkProxy[]) => Promise<void>,
  server: RedisServer = redis,
): Promise<void> {
  const prefix = makePrefix()
  const proxies = await Promise.all([0, 1, 2].map(() => startProxy(server.port)))
  const options = proxies.map(({ port }) => ({
    urls: [`redis://127.0.0.1:${port}`],
    prefix,
    leaseSeconds: LEASE_SECONDS,
  }))
  await using traffic = await Traffic.start(options)
  await sleep(A_WHILE_MS)
  await faults(traffic, proxies)
  await sleep(A_WHILE_MS)
  await traffic.settle()
  traffic.run()
  await sleep(A_WHILE_MS)
  await traffic.settle()
  expect(traffic.relays.heard).toBeGreaterThan(0)
  await traffic.leave()
  const keys = (await server.cli("KEYS", `${prefix}:*`)).trim().split("\n")
  expect(keys.filter((key) => !key.includes(":store:stats:")).sort()).toEqual([
    `${prefix}:deployment`,
    `${prefix}:nodes`,
  ])
  const { sent, heard } = traffic.relays
  console.log(`      relayed ${sent}, heard ${heard}`)
  await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()))
}

describe("three nodes under traffic:", () => {
  test("nothing happens", () => underTraffic(async () => {}), 60_000)

  test(
    "SCRIPT FLUSH, again and again",
    () =>
      underTraffic(async () => {
        for (let count = 0; count < 10; count++) {
          await redis.cli("SCRIPT", "FLUSH")
          await sleep(30)
        }
      }),
    60_000,
  )

  for (const types of [["normal"], ["pubsub"], ["normal", "pubsub"]]) {
    test(
      `CLIENT KILL of ${types.join(" and ")} connections, again and again`,
      () =>
        underTraffic(async () => {
          for (let count = 0; count < 8; count++) {
            for (const type of types) await redis.cli("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes")
            await sleep(60)
          }
        }),
      60_000,
    )
  }

  test(
    "FLUSHALL, twice",
    () =>
      underTraffic(async () => {
        await redis.cli("FLUSHALL")
        await sleep(2 * A_WHILE_MS)
        await redis.cli("FLUSHALL")
      }),
    60_000,
  )

  test(
    "a network that resets connections, one node after the other",
    () =>
      underTraffic(async (_, proxies) => {
        for (let count = 0; count < 12; count++) {
          proxies[count % 3]?.reset()
          await sleep(40)
        }
      }),
    60_000,
  )

  test(
    "a network that is slow for one node",
    () =>
      underTraffic(async (_, [proxy]) => {
        if (proxy === undefined) return
        proxy.delayMs = 60
        await sleep(5 * A_WHILE_MS)
        proxy.delayMs = 0
      }),
    60_000,
  )

  test(
    "half-open connections, of one node and then of all",
    () =>
      underTraffic(async (traffic, proxies) => {
        proxies[0]?.freeze()
        await poll(() => traffic.nodes.every(({ store }) => store.state === "up") && reconnects(traffic) >= 1)
        for (const proxy of proxies) proxy.freeze()
        await poll(() => traffic.nodes.every(({ store }) => store.state === "up") && reconnects(traffic) >= 4)
      }),
    60_000,
  )

  test(
    "a node cut off for longer than its lease",
    () =>
      underTraffic(async (traffic, proxies) => {
        const [cut] = proxies
        if (cut === undefined) return
        cut.isRefusing = true
        cut.freeze()
        await poll(() => traffic.nodes.some(({ store }) => store.counters.sweeps > 0))
        cut.isRefusing = false
        await poll(() => traffic.nodes.every(({ store }) => store.state === "up"))
      }),
    60_000,
  )

  test(
    "a node that dies",
    () =>
      underTraffic(async (traffic, proxies) => {
        const [node] = traffic.nodes
        const cut = proxies[0]
        if (cut === undefined || node === undefined) return
        traffic.crash(node)
        cut.isRefusing = true
        cut.freeze()
        await poll(() => traffic.nodes.some(({ store }) => store.counters.sweeps > 0))
        void node.store.close(0)
      }),
    60_000,
  )

  test("Redis killed and restarted, with its data and then empty", async () => {
    await using server = await startRedis()
    await underTraffic(async (traffic) => {
      for (const keepData of [true, false]) {
        await server.restart({ keepData })
        await poll(() => traffic.nodes.every(({ store }) => store.state === "up"))
        await sleep(A_WHILE_MS)
      }
    }, server)
  }, 60_000)

  test("Redis away for longer than commands wait", async () => {
    await using server = await startRedis()
    await underTraffic(async (traffic) => {
      await server.kill()
      await poll(() => traffic.nodes.every(({ store }) => store.counters.unavailable > 0))
      await server.restart()
      await poll(() => traffic.nodes.every(({ store }) => store.state === "up"))
    }, server)
  }, 60_000)

  test("a fail-over to a replica behind one address", async () => {
    await using master = await startRedis()
    await using replica = await startRedis()
    await replica.cli("REPLICAOF", "127.0.0.1", String(master.port))
    await poll(async () => (await replica.cli("INFO", "replication")).includes("master_link_status:up"))
    await underTraffic(
      async (traffic, proxies) => {
        for (const proxy of proxies) proxy.target = replica.port
        await master.kill()
        await replica.cli("REPLICAOF", "NO", "ONE")
        await poll(() => traffic.nodes.every(({ store }) => store.state === "up") && reconnects(traffic) >= 3)
      },
      { ...master, cli: replica.cli },
    )
  }, 60_000)

  test("a cluster that loses one master", async () => {
    await using cluster = await startCluster({ withReplicas: true })
    const options = { urls: cluster.urls, isCluster: true, prefix: makePrefix(), leaseSeconds: 2 }
    await using traffic = await Traffic.start([options, options, options])
    await sleep(2 * A_WHILE_MS)
    await cluster.masters[1]?.kill()
    await poll(() => reconnects(traffic) >= 3)
    await poll(() => traffic.nodes.every(({ store }) => store.state === "up"), 30_000)
    await sleep(A_WHILE_MS)
    await traffic.settle()
    await traffic.leave()
  }, 90_000)
})

function reconnects(traffic: Traffic): number {
  return traffic.nodes.reduce((sum, { store }) => sum + store.counters.reconnects, 0)
}
