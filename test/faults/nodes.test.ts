// Nodes that die, stall, or are replaced, under live traffic.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type RedisServer, startRedis } from "../helpers/redis.ts"
import { type Site, SOME_MESSAGES, tell, underTraffic } from "./faulty.ts"

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis[Symbol.asyncDispose]())

/** Kills a node: the milliseconds to each `peer_left` that a client elsewhere heard of it, sorted. */
async function killOne({ nodes, traffic }: Site): Promise<number[]> {
  const node = nodes.pop()
  const victims = traffic.clients.filter(({ url, room }) => url === node?.url && room !== undefined)
  const gone = traffic.gone(new Set(victims.map(({ view }) => view.ownId)))
  node?.kill("SIGKILL")
  const times = await gone
  return times.sort((a, b) => a - b)
}

for (const leaseSeconds of [2, 10]) {
  test(`kill -9 of a node with a lease of ${leaseSeconds} s`, async () => {
    let times: number[] = []
    const tally = await underTraffic({ redis, leaseSeconds }, async (site) => {
      times = await killOne(site)
      await site.traffic.heard(SOME_MESSAGES)
    })
    const half = times[times.length >> 1] ?? 0
    const most = times.at(-1) ?? Number.POSITIVE_INFINITY
    console.log(`      kill -9 to peer_left: p50 ${Math.round(half)} ms, max ${Math.round(most)} ms (${times.length})`)
    tell("around it", tally)
    expect(most).toBeLessThan(1.5 * leaseSeconds * 1000)
  }, 60_000)
}
