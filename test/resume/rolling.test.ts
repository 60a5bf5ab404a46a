// A cluster under load whose nodes are restarted one after the other, or one of them killed: nobody sees anybody go, and
// with a restart nothing is lost, doubled or out of order.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { startNode, type TestNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"
import { Callers } from "./callers.ts"

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

/** Three nodes, and an address for each attempt to connect, as a load balancer would choose it. */
async function startCluster(prefix: string) {
  const start = () => startNode(["--redis", redis.url, "--redis-prefix", prefix, "--shutdown-seconds", "0"])
  const nodes: TestNode[] = await Promise.all([start(), start(), start()])
  let attempts = 0
  return { nodes, start, address: () => (nodes[attempts++ % nodes.length] as TestNode).url }
}

test("every node is restarted in turn", async () => {
  const { nodes, start, address } = await startCluster("rolling")
  using callers = await Callers.gather(address)
  const ids = callers.all.map(({ client }) => client.ownId)
  callers.begin()
  let moves = 0
  const ends: number[] = []
  for (const old of [...nodes]) {
    moves += await old.metric("palava_connections")
    nodes.splice(nodes.indexOf(old), 1)
    const began = performance.now()
    old.kill("SIGTERM")
    expect(await old.exited).toBe(0)
    ends.push(Math.round(performance.now() - began))
    expect(old.complaints()).toBe("")
    nodes.push(await start())
    await callers.areBack(moves)
  }
  await callers.end(() => callers.calls.completed === callers.calls.begun && callers.areStatusesKnown)
  const { said, ...wrong } = callers.tally
  console.log(
    `      ${moves} moves, ${said} messages, ${callers.calls.begun} calls; nodes took ${ends.join(", ")} ms to end`,
  )
  expect(wrong).toEqual({ lost: 0, doubled: 0, outOfOrder: 0 })
  expect(callers.calls.begun).toBeGreaterThan(5)
  expect(callers.all.map(({ client }) => client.ownId)).toEqual(ids)
  expect(callers.all.flatMap(({ seen }) => seen)).toEqual([])
  const all = callers.all.flatMap(({ resumed }) => resumed)
  expect(all).toEqual(Array.from({ length: moves }, () => true))
  for (const node of nodes) expect(await node.stop()).toBe(0)
}, 120_000)

test("a node is killed with -9: those who were there are told that messages may be lost, the others see nothing", async () => {
  const { nodes, address } = await startCluster("killed")
  using callers = await Callers.gather(address)
  const ids = callers.all.map(({ client }) => client.ownId)
  callers.begin()
  const victim = nodes.pop() as TestNode
  const moves = await victim.metric("palava_connections")
  expect(moves).toBeGreaterThan(0)
  victim.kill("SIGKILL")
  await callers.areBack(moves)
  await callers.end(() => callers.areStatusesKnown)
  const { said, lost, ...wrong } = callers.tally
  console.log(`      ${moves} members of the killed node, ${lost} of ${said} messages lost`)
  expect(wrong).toEqual({ doubled: 0, outOfOrder: 0 })
  expect(callers.tallyOf(({ resumed }) => resumed.length === 0).lost).toBe(0)
  expect(callers.all.map(({ client }) => client.ownId)).toEqual(ids)
  const seen = callers.all.flatMap((caller) => caller.seen)
  expect(seen.filter((what) => !what.startsWith("error"))).toEqual([])
  expect(callers.all.flatMap(({ resumed }) => resumed)).toEqual(Array.from({ length: moves }, () => false))
  for (const node of nodes) expect(await node.stop()).toBe(0)
}, 120_000)
