// Messages between workers go past Redis, and arrive once and in order when they cannot.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { TestClient } from "../helpers/client.ts"
import type { TestNode } from "../helpers/node.ts"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { meetAcross, say, startWorkers } from "./server.ts"

let redis: RedisServer
let server: TestNode
beforeAll(async () => {
  redis = await startRedis()
  server = await startWorkers(redis)
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
})

const sentNear = () => server.metric("palava_node_relays_near_total")
const sentInAll = () => server.metric("palava_node_relays_total", 'direction="sent"')

/** Says something until it has gone past Redis: the first goes over it, while the way is made. */
async function findWay(one: TestClient, other: TestClient): Promise<void> {
  const before = await sentNear()
  await poll(async () => {
    say(one, other, { event: "message" })
    await other.next("message")
    return (await sentNear()) > before
  })
}

test("between workers nothing is asked of Redis for a message, and they go on while it hangs", async () => {
  await using stack = new AsyncDisposableStack()
  const { one, other } = await meetAcross(server, stack, "past-redis")
  await findWay(one, other)
  await findWay(other, one)
  process.kill(redis.pid, "SIGSTOP")
  stack.defer(() => void process.kill(redis.pid, "SIGCONT"))
  for (let n = 0; n < 20; n++) {
    const [from, to] = n % 2 === 0 ? [one, other] : [other, one]
    say(from, to, { event: "message", n })
    expect(await to.next()).toEqual({ event: "message", n, sender_id: from.ownId })
  }
})

test("to a worker that hangs for a while messages come once and in order, past Redis and over it", async () => {
  await using stack = new AsyncDisposableStack()
  const { one, other, pidOfOther } = await meetAcross(server, stack, "hangs")
  await findWay(one, other)
  const near = await sentNear()
  const sent = await sentInAll()
  process.kill(pidOfOther, "SIGSTOP")
  stack.defer(() => void process.kill(pidOfOther, "SIGCONT"))
  const count = 30
  for (let n = 0; n < count / 2; n++) say(one, other, { event: "message", n })
  // Not one is answered for a second: they are sent again, over Redis.
  await one.drain()
  await poll(async () => (await sentInAll()) > sent)
  for (let n = count / 2; n < count; n++) say(one, other, { event: "message", n })
  process.kill(pidOfOther, "SIGCONT")
  for (let n = 0; n < count; n++) expect(await other.next()).toEqual({ event: "message", n, sender_id: one.ownId })
  expect(await other.drain()).toEqual([])
  await poll(async () => (await sentInAll()) === sent + count)
  expect(await sentNear()).toBeLessThan(near + count)
  await findWay(one, other)
})
