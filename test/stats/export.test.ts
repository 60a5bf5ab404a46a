// Each closed hour is exported exactly once, whoever dies when.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Export } from "../../src/stats/export.ts"
import { HOUR, type Hour, hourOf, toIso } from "../../src/stats/hours.ts"
import { MemoryHours } from "../../src/stats/memory-hours.ts"
import { fileSink, webhookSink } from "../../src/stats/sinks.ts"
import { startNode } from "../helpers/node.ts"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { Receiver } from "../plugins/receiver.ts"

/** The time for all of it: an hour that ends while a test runs would be one more to export. */
const NOW = Date.now()

/** Hours seeded before the one under way. */
const HOURS = 2

let redis: RedisServer
let folder: string

beforeAll(async () => {
  redis = await startRedis()
  folder = await mkdtemp(join(tmpdir(), "palava-stats-"))
})

afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** A deployment of its own with counts in each of the last hours. */
async function seed(): Promise<{ prefix: string; file: string; hours: Hour[] }> {
  const prefix = `test-${crypto.randomUUID().slice(0, 8)}`
  const now = hourOf(NOW)
  const hours = Array.from({ length: HOURS }, (_, at) => now - (HOURS - at) * HOUR)
  for (const [at, hour] of hours.entries()) {
    await redis.cli("HSET", `${prefix}:store:stats:room_peaks:${hour}`, "2", String(at + 1), "10", "1")
    await redis.cli("HSET", `${prefix}:store:stats:connection_time:${hour}`, "0", "3", "12", String(at + 1))
  }
  return { prefix, file: join(folder, `${prefix}.jsonl`), hours }
}

/** Runs an exporting process to its end: the steps it came to, and whether it died of the kill. */
async function runNode(prefix: string, target: string, dieBefore = 0): Promise<{ steps: string[]; died: boolean }> {
  const args = [redis.url, prefix, target, String(dieBefore), String(NOW)]
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "exporting-node.ts"), ...args], {
    stdout: "pipe",
    stderr: "inherit",
  })
  const output = await new Response(child.stdout).text()
  await child.exited
  if (child.signalCode === null) expect(child.exitCode).toBe(0)
  return { steps: output.split("\n").filter(Boolean), died: child.signalCode === "SIGKILL" }
}

async function linesOf(file: string): Promise<{ hour: string }[]> {
  const text = await readFile(file, "utf8")
  expect(text.endsWith("\n")).toBe(true)
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { hour: string })
}

/** What the file must have: every hour once, in order, with its counts. */
function expected(hours: readonly Hour[]): object[] {
  return hours.map((hour, at) => ({ hour: toIso(hour), rooms: { 2: at + 1, 10: 1 }, minutes: { 0: 3, 12: at + 1 } }))
}

/** Nothing is pending, and every hour will go when its time is over. */
async function expectSettled(prefix: string, hours: readonly Hour[]): Promise<void> {
  expect((await redis.cli("HKEYS", `${prefix}:exports`)).trim()).toBe("last")
  expect(await redis.cli("EXISTS", `${prefix}:exports:lock`)).toContain("0")
  for (const hour of hours) {
    for (const what of ["room_peaks", "connection_time"]) {
      const end = Number(await redis.cli("EXPIRETIME", `${prefix}:store:stats:${what}:${hour}`))
      expect(end).toBe(hour + HOUR + 30 * 24 * HOUR)
    }
  }
}

test("kill -9 between every two steps: no hour twice, none missing", async () => {
  const whole = await seed()
  const { steps } = await runNode(whole.prefix, whole.file)
  expect(steps.filter((step) => step === "write")).toHaveLength(HOURS)
  expect(await linesOf(whole.file)).toEqual(expected(whole.hours) as never)
  await expectSettled(whole.prefix, whole.hours)

  for (let dieBefore = 1; dieBefore <= steps.length; dieBefore++) {
    const { prefix, file, hours } = await seed()
    expect(await runNode(prefix, file, dieBefore)).toEqual({ steps: steps.slice(0, dieBefore), died: true })
    expect((await runNode(prefix, file)).died).toBe(false)
    expect(await linesOf(file)).toEqual(expected(hours) as never)
    await expectSettled(prefix, hours)
  }
}, 120_000)

test("three nodes at once, each dying again and again, until one gets through", async () => {
  const { prefix, file, hours } = await seed()
  const live = async (first: number) => {
    for (let dieBefore = first; (await runNode(prefix, file, dieBefore)).died; dieBefore += 2);
  }
  await Promise.all([live(3), live(4), live(5)])
  await runNode(prefix, file)
  expect(await linesOf(file)).toEqual(expected(hours) as never)
  await expectSettled(prefix, hours)
}, 60_000)

test("a webhook gets every hour; only one whose answer was lost with its node comes again, under its key", async () => {
  const whole = await seed()
  using first = new Receiver()
  const { steps } = await runNode(whole.prefix, first.url)
  const keysOf = (receiver: Receiver) => receiver.all.map(({ headers }) => headers.get("idempotency-key"))
  expect(keysOf(first)).toEqual(whole.hours.map(toIso))
  expect(first.all.map(({ body }) => JSON.parse(body) as object)).toEqual(expected(whole.hours))

  for (const [at, step] of steps.entries()) {
    if (step !== "done" && step !== "write") continue
    const { prefix, hours } = await seed()
    using receiver = new Receiver()
    await runNode(prefix, receiver.url, at + 1)
    await runNode(prefix, receiver.url)
    expect([...new Set(keysOf(receiver))]).toEqual(hours.map(toIso))
    expect(receiver.all).toHaveLength(step === "done" ? HOURS + 1 : HOURS)
    await expectSettled(prefix, hours)
  }
}, 60_000)

test("an hour claimed for one file is never written to another", async () => {
  const { prefix, file, hours } = await seed()
  const { steps } = await runNode((await seed()).prefix, join(folder, "steps.jsonl"))
  await runNode(prefix, file, steps.indexOf("write") + 1)
  const other = `${file}.other`
  await runNode(prefix, other)
  await runNode(prefix, file)
  expect(await linesOf(file)).toEqual(expected(hours).slice(0, 1) as never)
  expect(await linesOf(other)).toEqual(expected(hours).slice(1) as never)
  await expectSettled(prefix, hours)
})

test("hours in which nothing happened have a line too; before the first count there is none", async () => {
  const { prefix, file, hours } = await seed()
  const [, empty = 0] = hours
  for (const what of ["room_peaks", "connection_time"]) await redis.cli("DEL", `${prefix}:store:stats:${what}:${empty}`)
  await runNode(prefix, file)
  expect((await linesOf(file))[1]).toEqual({ hour: toIso(empty), rooms: {}, minutes: {} } as never)
  const fresh = `test-${crypto.randomUUID().slice(0, 8)}`
  await runNode(fresh, join(folder, "fresh.jsonl"))
  expect(await readFile(join(folder, "fresh.jsonl"), "utf8")).toBe("")
  expect(Number(await redis.cli("HGET", `${fresh}:exports`, "last"))).toBe(hourOf(NOW) - HOUR)
})

describe("the file", () => {
  const line = (hour: Hour) => JSON.stringify({ hour: toIso(hour), rooms: {}, minutes: {} })

  test("a line torn by a crash is written over", async () => {
    const file = join(folder, "torn.jsonl")
    for (const length of [1, 20, line(HOUR).length - 1]) {
      await writeFile(file, `${line(0)}\n${line(HOUR).slice(0, length)}`)
      await (await fileSink(file)).write(HOUR, line(HOUR))
      expect(await readFile(file, "utf8")).toBe(`${line(0)}\n${line(HOUR)}\n`)
    }
  })

  test("a last line without its line end is kept", async () => {
    const file = join(folder, "open.jsonl")
    await writeFile(file, line(0))
    await (await fileSink(file)).write(HOUR, line(HOUR))
    expect(await readFile(file, "utf8")).toBe(`${line(0)}\n${line(HOUR)}\n`)
  })

  test("two nodes that write the same hour at once write it once", async () => {
    const file = join(folder, "both.jsonl")
    const sinks = [await fileSink(file), await fileSink(file)]
    expect(new Set(sinks.map(({ id }) => id)).size).toBe(1)
    for (let hour = 0; hour < 20 * HOUR; hour += HOUR)
      await Promise.all(sinks.map((sink) => sink.write(hour, line(hour))))
    expect(await linesOf(file)).toHaveLength(20)
  })
})

test("without Redis: hours of the memory, once each, not before their grace is over", async () => {
  let now = 100 * HOUR * 1000
  const hours = new MemoryHours(30, () => now)
  const file = join(folder, "memory.jsonl")
  const job = new Export({ hours, sink: await fileSink(file), days: 30 })
  hours.countRoom(2)
  hours.countStay(61_000)
  expect(await job.run()).toBe(60_000)
  now += HOUR * 1000
  expect(await job.run()).toBe(60_000)
  expect(await readFile(file, "utf8")).toBe("")
  now += 60_000
  hours.countRoom(3)
  expect(await job.run()).toBe(HOUR * 1000)
  expect(await job.run()).toBe(HOUR * 1000)
  expect(await linesOf(file)).toEqual([{ hour: toIso(100 * HOUR), rooms: { 2: 1 }, minutes: { 1: 1 } }] as never)
})

test("a sink that fails holds up the hours, in order, and loses none", async () => {
  let now = 100 * HOUR * 1000
  const hours = new MemoryHours(30, () => now)
  using receiver = new Receiver()
  const job = new Export({ hours, sink: webhookSink(receiver.url), days: 30 })
  hours.countStay(0)
  await job.run()
  now += 3 * HOUR * 1000
  receiver.answers.push(500, 404)
  for (const status of [500, 404]) await expect(job.run()).rejects.toThrow(`answered ${status}`)
  await job.run()
  expect(job.written).toBe(2)
  expect(receiver.all.map(({ headers }) => headers.get("idempotency-key"))).toEqual(
    [100, 100, 100, 101].map((hour) => toIso(hour * HOUR)),
  )
})

test("the executable: two nodes, one file, each hour once; the next node takes up what is left", async () => {
  const { prefix, file, hours } = await seed()
  const args = ["--redis", redis.url, "--redis-prefix", prefix, "--stats-export", file]
  await using first = await startNode(args)
  await using second = await startNode(args)
  // Whoever has the lock exports; the file is complete as soon as nothing is pending and the last hour is claimed.
  const last = String(hours.at(-1))
  await poll(async () => (await redis.cli("HGET", `${prefix}:exports`, "last")).trim() === last)
  await poll(async () => (await redis.cli("HLEN", `${prefix}:exports`)).trim() === "1")
  expect(await linesOf(file)).toEqual(expected(hours) as never)
  for (const node of [first, second]) {
    const stats = (await (await fetch(`${node.adminUrl}stats`)).json()) as { hours: object[] }
    expect(stats.hours).toEqual(expected(hours))
    expect(await node.metric("palava_stats_export_failures_total")).toBe(0)
  }
  const written = await Promise.all([first, second].map((node) => node.metric("palava_stats_exported_total")))
  expect(written.reduce((sum, count) => sum + count)).toBe(HOURS)
})
