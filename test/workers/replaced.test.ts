// Workers under load that are killed or replaced: whoever was there is the same member afterwards, and nobody is seen to go.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { WorkersAnswer } from "../../src/admin/reports.ts"
import { runExecutable, type TestNode } from "../helpers/node.ts"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { Callers } from "../resume/callers.ts"
import { ask, lives, loadOf, startWorkers } from "./server.ts"

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

const idsOf = (callers: Callers): string[] => callers.all.map(({ client }) => client.ownId ?? "")

/** 20 people in 5 rooms who speak. */
async function gather(server: TestNode): Promise<{ callers: Callers; ids: string[] }> {
  const callers = await Callers.gather(() => server.url)
  callers.begin()
  return { callers, ids: idsOf(callers) }
}

test("restart-workers: 20 people see nobody go, and no message is lost, doubled or out of order", async () => {
  await using server = await startWorkers(redis)
  const { callers, ids } = await gather(server)
  using _ = callers
  const before = server.workers()
  const opened = await server.metric("palava_connections_opened_total")
  const began = performance.now()
  const { code, stdout, stderr } = await runExecutable(["restart-workers", "--admin", server.adminUrl])
  const tookMs = Math.round(performance.now() - began)
  expect([code, stdout, stderr]).toEqual([0, "2 workers were replaced\n", ""])
  for (const pid of before) expect(lives(pid)).toBe(false)
  expect(server.workers()).toHaveLength(2)
  // Whoever was there had to move.
  await callers.areBack(callers.all.length)
  await callers.end(() => callers.calls.completed === callers.calls.begun && callers.areStatusesKnown)
  const { said, ...wrong } = callers.tally
  const moves = callers.all.flatMap(({ resumed }) => resumed)
  console.log(`      ${moves.length} moves, ${said} messages, ${callers.calls.begun} calls, in ${tookMs} ms`)
  expect(wrong).toEqual({ lost: 0, doubled: 0, outOfOrder: 0 })
  expect(idsOf(callers)).toEqual(ids)
  expect(callers.all.flatMap(({ seen }) => seen)).toEqual([])
  expect(new Set(moves)).toEqual(new Set([true]))
  expect(await server.metric("palava_connections_opened_total")).toBeGreaterThanOrEqual(opened + moves.length)
  expect(server.complaints()).toBe("")
  expect(await server.stop()).toBe(0)
}, 120_000)

test("kill -9 of a worker: its people are themselves again, the others see nothing, another worker follows", async () => {
  await using server = await startWorkers(redis)
  const { callers, ids } = await gather(server)
  using _ = callers
  const [victim] = (await loadOf(server)).sort((one, other) => other.connections - one.connections)
  if (victim === undefined) throw new Error("no worker")
  expect(victim.connections).toBeGreaterThan(0)
  const opened = await server.metric("palava_connections_opened_total")
  process.kill(victim.pid, "SIGKILL")
  await server.logged(/"signal":"SIGKILL",.*"a worker ended and is started again"/)
  await callers.areBack(victim.connections)
  await callers.end(() => callers.areStatusesKnown)
  const { said, lost, ...wrong } = callers.tally
  console.log(`      ${victim.connections} people of the killed worker, ${lost} of ${said} messages lost`)
  expect(wrong).toEqual({ doubled: 0, outOfOrder: 0 })
  expect(callers.tallyOf(({ resumed }) => resumed.length === 0).lost).toBe(0)
  expect(idsOf(callers)).toEqual(ids)
  const seen = callers.all.flatMap((caller) => caller.seen)
  expect(seen.filter((what) => !what.startsWith("error"))).toEqual([])
  await poll(async () => (await server.metric("palava_workers")) === 2)
  expect(await server.metric("palava_workers_restarted_total")).toBe(1)
  // What the dead one had counted stays.
  expect(await server.metric("palava_connections_opened_total")).toBeGreaterThanOrEqual(opened)
  const { workers } = await ask<WorkersAnswer>(server, "workers")
  expect(workers.map(({ pid }) => pid)).not.toContain(victim.pid)
  expect(await server.stop()).toBe(0)
}, 120_000)

test("a server without workers says so", async () => {
  await using server = await startWorkers(redis, ["--workers", "1"])
  const { code, stderr } = await runExecutable(["restart-workers", "--admin", server.adminUrl])
  expect([code, stderr]).toEqual([1, "palava-machine: this server has no workers (--workers)\n"])
})
