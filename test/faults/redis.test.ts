// A Redis that drops its clients, dies, comes back, forgets, or hands over to a replica, under live traffic.

import { afterAll, beforeAll } from "bun:test"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { SOME_MESSAGES, sumOf, testFault } from "./faulty.ts"

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis[Symbol.asyncDispose]())

for (const types of [["normal"], ["pubsub"], ["normal", "pubsub"]]) {
  testFault(
    `CLIENT KILL of ${types.join(" and ")} connections, again and again`,
    () => ({ redis }),
    async (site) => {
      for (let count = 0; count < 10; count++) {
        for (const type of types) await redis.cli("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes")
        await site.traffic.heard(SOME_MESSAGES / 10)
      }
    },
  )
}

testFault(
  "FLUSHALL, twice",
  () => ({ redis }),
  async ({ traffic }) => {
    for (let count = 0; count < 2; count++) {
      await redis.cli("FLUSHALL")
      await traffic.heard(SOME_MESSAGES)
    }
  },
)

for (const keepData of [true, false]) {
  testFault(
    `Redis killed and restarted ${keepData ? "with its data" : "empty"}`,
    () => ({ redis }),
    async (site) => {
      await redis.kill()
      await site.traffic.heard(SOME_MESSAGES / 10)
      await redis.restart({ keepData })
      await site.traffic.heard(SOME_MESSAGES)
    },
  )
}

testFault(
  "Redis away for longer than requests wait",
  () => ({ redis, args: ["--redis-wait-seconds", "1"] }),
  async (site) => {
    await redis.kill()
    await poll(async () => (await sumOf(site, "palava_store_unavailable_total")) > 20)
    await redis.restart()
    await site.traffic.heard(SOME_MESSAGES)
  },
)

let replica: RedisServer | undefined

testFault(
  "a fail-over to a replica behind one address",
  () => ({ redis, keepers: () => [replica ?? redis] }),
  async ({ proxies, traffic }) => {
    const heir = await startRedis()
    await heir.cli("REPLICAOF", "127.0.0.1", String(redis.port))
    await poll(async () => (await heir.cli("INFO", "replication")).includes("master_link_status:up"))
    await redis.kill()
    replica = heir
    await traffic.heard(SOME_MESSAGES / 10)
    await heir.cli("REPLICAOF", "NO", "ONE")
    for (const proxy of proxies) proxy.target = heir.port
    await traffic.heard(SOME_MESSAGES)
  },
)

afterAll(() => replica?.[Symbol.asyncDispose]())
