// A network between the nodes and Redis that delays, resets, goes half-open, or cuts a node off, under live traffic.

import { afterAll, beforeAll } from "bun:test"
import { type NetworkProxy, poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { SOME_MESSAGES, sumOf, testFault } from "./faulty.ts"

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis[Symbol.asyncDispose]())

testFault(
  "60 ms to and from Redis for one node, then for all",
  () => ({ redis }),
  async ({ proxies, traffic }) => {
    for (const proxy of proxies) {
      proxy.delayMs = 60
      await traffic.heard(SOME_MESSAGES)
    }
    for (const proxy of proxies) proxy.delayMs = 0
  },
)

testFault(
  "connections reset, one node after the other",
  () => ({ redis }),
  async ({ proxies, traffic }) => {
    for (let count = 0; count < 12; count++) {
      proxies[count % proxies.length]?.reset()
      await traffic.heard(SOME_MESSAGES / 10)
    }
  },
)

testFault(
  "half-open connections, of one node and then of all",
  () => ({ redis }),
  async (site) => {
    const { proxies, traffic } = site
    proxies[0]?.freeze()
    await poll(async () => (await sumOf(site, "palava_store_reconnects_total")) >= 1)
    await traffic.heard(SOME_MESSAGES)
    for (const proxy of proxies) proxy.freeze()
    await poll(async () => (await sumOf(site, "palava_store_reconnects_total")) >= 4)
    await traffic.heard(SOME_MESSAGES)
  },
)

testFault(
  "a node cut off for longer than its lease",
  () => ({ redis }),
  async (site) => {
    const cut = site.proxies[0] as NetworkProxy
    cut.isRefusing = true
    cut.freeze()
    await poll(async () => (await sumOf(site, "palava_store_sweeps_total")) > 0)
    await site.traffic.heard(SOME_MESSAGES)
    cut.isRefusing = false
    await site.traffic.heard(SOME_MESSAGES)
  },
)
