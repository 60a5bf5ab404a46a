// Nodes that die, stall, or are replaced, under live traffic.

import { afterAll, beforeAll, expect } from "bun:test"
import { runExecutable, type TestNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"
import { type Site, SOME_MESSAGES, testFault } from "./faulty.ts"

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis[Symbol.asyncDispose]())

/** Silences a node: the milliseconds to each `peer_left` that a client elsewhere heard of it, sorted. */
async function silence({ traffic }: Site, node: TestNode, signal: "SIGKILL" | "SIGSTOP"): Promise<number[]> {
  const victims = traffic.clients.filter(({ url, room }) => url === node.url && room !== undefined)
  const gone = traffic.gone(new Set(victims.map(({ view }) => view.ownId)))
  node.kill(signal)
  return (await gone).sort((a, b) => a - b)
}

// 2 s: the least with which the others know within 3 s. 10 s: the default, with which they have to within 15 s.
for (const leaseSeconds of [2, 10]) {
  testFault(
    `kill -9 of a node, with a lease of ${leaseSeconds} s`,
    () => ({ redis, leaseSeconds }),
    async (site) => {
      const times = await silence(site, site.nodes.pop() as TestNode, "SIGKILL")
      const half = Math.round(times[times.length >> 1] ?? 0)
      const most = Math.round(times.at(-1) ?? Number.POSITIVE_INFINITY)
      console.log(
        `      lease of ${leaseSeconds} s: kill -9 to peer_left p50 ${half} ms, max ${most} ms (${times.length})`,
      )
      expect(most).toBeLessThan(1.5 * leaseSeconds * 1000)
      await site.traffic.heard(SOME_MESSAGES)
    },
  )
}

testFault(
  "a node stopped for longer than its lease, that goes on, and then another",
  () => ({ redis }),
  async (site) => {
    for (const node of site.nodes.slice(1)) {
      await silence(site, node, "SIGSTOP")
      await site.traffic.heard(SOME_MESSAGES / 3, ({ url }) => url !== node.url)
      node.kill("SIGCONT")
      await site.traffic.heard(SOME_MESSAGES)
    }
  },
)

testFault(
  "all nodes replaced one after the other by SIGTERM",
  () => ({ redis, args: ["--shutdown-seconds", "1"] }),
  async ({ nodes, traffic, startNode }) => {
    for (const old of [...nodes]) {
      nodes.push(await startNode())
      nodes.splice(nodes.indexOf(old), 1)
      old.kill("SIGTERM")
      expect(await old.exited).toBe(0)
      await traffic.heard(SOME_MESSAGES)
    }
  },
)

testFault(
  "kill -9 of a worker of each server, and then the workers replaced",
  () => ({ redis, args: ["--workers", "2"] }),
  async ({ nodes, traffic }) => {
    for (const node of nodes) process.kill(node.workers()[0] as number, "SIGKILL")
    await traffic.heard(SOME_MESSAGES)
    for (const { adminUrl } of nodes) {
      const { code, stderr } = await runExecutable(["restart-workers", "--admin", adminUrl])
      expect([code, stderr]).toEqual([0, ""])
      await traffic.heard(SOME_MESSAGES)
    }
  },
)

testFault(
  "kill -9 of all nodes at once, and new ones",
  () => ({ redis }),
  async ({ nodes, traffic, startNode }) => {
    const old = [...nodes]
    for (const node of old) node.kill("SIGKILL")
    for (const node of old) nodes.splice(nodes.indexOf(node), 1, await startNode())
    await traffic.heard(SOME_MESSAGES)
  },
)
