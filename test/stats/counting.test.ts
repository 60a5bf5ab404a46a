// What is counted, wherever it is kept, and how it is told: /stats, the command, the terminal.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { HOUR, hourOf, toIso } from "../../src/stats/hours.ts"
import { MemoryHours } from "../../src/stats/memory-hours.ts"
import { toCsv, toRows, toTable } from "../../src/stats/report.ts"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, startNode, type TestNode } from "../helpers/node.ts"
import { type RedisServer, startCluster, startRedis } from "../helpers/redis.ts"

interface Stats {
  from: string
  to: string
  kept_days?: number
  hours: { hour: string; rooms: Record<string, number>; minutes: Record<string, number> }[]
}

async function statsOf(node: TestNode, query = ""): Promise<Stats> {
  return (await (await fetch(`${node.adminUrl}stats${query}`)).json()) as Stats
}

/** All hours together: a test may run across the end of one. */
async function sumOf(node: TestNode): Promise<{ rooms: Record<string, number>; minutes: Record<string, number> }> {
  const sum = { rooms: {} as Record<string, number>, minutes: {} as Record<string, number> }
  for (const { rooms, minutes } of (await statsOf(node)).hours) {
    for (const [key, count] of Object.entries(rooms)) sum.rooms[key] = (sum.rooms[key] ?? 0) + count
    for (const [key, count] of Object.entries(minutes)) sum.minutes[key] = (sum.minutes[key] ?? 0) + count
  }
  return sum
}

describe.each(["memory", "redis", "cluster"] as const)("with %s", (kind) => {
  test("each room counts by its peak and each stay by its minutes, once, however it ended", async () => {
    await using redis = kind === "redis" ? await startRedis() : undefined
    await using cluster = kind === "cluster" ? await startCluster() : undefined
    const single = redis === undefined ? [] : ["--redis", redis.url, "--lease-seconds", "1"]
    const many = cluster?.urls.flatMap((url) => ["--redis-cluster", url])
    const args = many === undefined ? single : [...many, "--lease-seconds", "1"]
    await using node = await startNode(args)
    const other = kind === "memory" ? node : await startNode(args)
    const clients = await Promise.all([node, node, other].map(({ url }) => TestClient.connect(url)))
    for (const client of clients) await client.join("one")
    const [a, b, c] = clients as [TestClient, TestClient, TestClient]
    expect(await sumOf(node)).toEqual({ rooms: {}, minutes: {} })

    // By itself and back; by a closed socket; by a node that dies, or else by its socket too.
    a.send({ event: "leave_room" })
    await b.next("peer_left")
    await a.join("one")
    await b.next("new_peer")
    b.terminate()
    await a.next("peer_left")
    if (other === node) await c.close()
    else other.kill("SIGKILL")
    await a.next("peer_left")
    a.send({ event: "leave_room" })
    await a.drain()
    expect(await sumOf(node)).toEqual({ rooms: { 3: 1 }, minutes: { 0: 4 } })
  }, 60_000)
})

test("nobody's name, room or id is in what is told", async () => {
  await using node = await startNode()
  const client = await TestClient.connect(node.url)
  await client.join("a very secret room", { name: "Ada Lovelace" })
  client.send({ event: "leave_room" })
  await client.drain()
  const text = await (await fetch(`${node.adminUrl}stats`)).text()
  for (const secret of ["secret", "Ada", client.ownId]) expect(text).not.toContain(secret)
})

test("the memory keeps 30 days of hours and no more", async () => {
  let now = 1000 * 24 * HOUR * 1000
  const hours = new MemoryHours(30, () => now)
  for (let hour = 0; hour < 40 * 24; hour++) {
    hours.countStay(hour * 60_000)
    now += HOUR * 1000
  }
  const kept = await hours.read(0, Number.MAX_SAFE_INTEGER)
  expect(kept).toHaveLength(30 * 24)
  expect(kept.at(-1)).toEqual({ hour: hourOf(now) - HOUR, rooms: {}, minutes: { [40 * 24 - 1]: 1 } })
})

describe("told", () => {
  let redis: RedisServer
  let node: TestNode
  const day = Math.floor(Date.now() / 86_400_000) * 86_400 - 2 * 86_400
  const iso = (hours: number) => toIso(day + hours * HOUR)

  beforeAll(async () => {
    redis = await startRedis()
    await redis.cli("HSET", `store:stats:room_peaks:${day}`, "2", "3", "10", "1")
    await redis.cli("HSET", `store:stats:connection_time:${day}`, "0", "4", "30", "12")
    await redis.cli("HSET", `store:stats:connection_time:${day + 5 * HOUR}`, "2", "8")
    node = await startNode(["--redis", redis.url])
  })
  afterAll(async () => {
    await node[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })

  test("as JSON, for the time asked for", async () => {
    expect(await statsOf(node, `?from=${iso(0)}&to=${day + 23 * HOUR}`)).toEqual({
      from: iso(0),
      to: iso(23),
      kept_days: 30,
      hours: [
        { hour: iso(0), rooms: { 2: 3, 10: 1 }, minutes: { 0: 4, 30: 12 } },
        { hour: iso(5), rooms: {}, minutes: { 2: 8 } },
      ],
    })
    expect((await statsOf(node, `?from=${iso(1)}&to=${iso(4)}`)).hours).toEqual([])
    const week = await statsOf(node)
    expect(Date.parse(week.to) - Date.parse(week.from)).toBe((7 * 24 - 1) * HOUR * 1000)
    expect(week.hours).toHaveLength(2)
  })

  test("as CSV", async () => {
    const url = `${node.adminUrl}stats?from=${iso(0)}&to=${iso(23)}`
    const text = [
      "hour,measure,value,count",
      `${iso(0)},room_peak,2,3`,
      `${iso(0)},room_peak,10,1`,
      `${iso(0)},minutes,0,4`,
      `${iso(0)},minutes,30,12`,
      `${iso(5)},minutes,2,8`,
      "",
    ].join("\r\n")
    const response = await fetch(url, { headers: { accept: "text/csv" } })
    expect(response.headers.get("content-type")).toStartWith("text/csv")
    expect(await response.text()).toBe(text)
    expect(await (await fetch(`${url}&format=csv`)).text()).toBe(text)
    expect(toCsv([])).toBe("hour,measure,value,count\r\n")
  })

  test.each([
    ["?from=yesterday", 400],
    ["?from=2026-01-02&to=2026-01-01", 400],
    ["?from=2020-01-01&to=2026-01-01", 400],
  ])("%s is answered with %d", async (query, status) => {
    expect((await fetch(`${node.adminUrl}stats${query}`)).status).toBe(status)
  })

  test("to operators only, to read only", async () => {
    expect((await fetch(`${node.adminUrl}stats`, { method: "POST" })).status).toBe(405)
    for (const path of ["stats", "stats.html"]) {
      expect((await fetch(`${node.httpUrl}${path}`)).status).toBe(404)
      expect((await fetch(`${node.adminUrl}${path}`)).status).toBe(200)
    }
  })

  test("by the command, from Redis or the running server, by the hour and the day", async () => {
    const time = ["--from", iso(0), "--to", iso(23)]
    const { code, stdout } = await runExecutable(["stats", "--redis", redis.url, ...time])
    expect(code).toBe(0)
    expect(stdout.split("\n").filter((line) => /[1-9] +█|^hour|joins in/.test(line))).toEqual([
      "hour (UTC)        rooms  largest  minutes  joins",
      `${iso(0).slice(0, 16).replace("T", " ")}      4       10     22.5     16  ${"█".repeat(29)}`,
      `${iso(5).slice(0, 16).replace("T", " ")}      0        0      2.0      8  ${"█".repeat(14)}▌`,
      "24 joins in 4 rooms",
    ])
    const daily = await runExecutable(["stats", "--redis", redis.url, "--by", "day", ...time])
    expect(daily.stdout.split("\n")[1]).toStartWith(`${iso(0).slice(0, 10)}      4       10     15.7     24  █`)

    const fromServer = ["stats", "--json", "--admin-listen", `127.0.0.1:${node.adminPort}`, ...time]
    const fromRedis = ["stats", "--json", "--redis", redis.url, ...time]
    for (const args of [fromServer, fromRedis]) {
      const { kept_days: _, ...told } = await statsOf(node, `?from=${iso(0)}&to=${iso(23)}`)
      expect(JSON.parse((await runExecutable(args)).stdout)).toEqual(told)
    }
    expect(
      (await runExecutable(["stats", "--redis", redis.url, "--from", "2020-01-01", "--to", "2020-01-02"])).stdout,
    ).toBe("nothing was counted in this time\n")
  })

  test("by the command in one clear line when it cannot", async () => {
    for (const [args, code, line] of [
      [["stats", "--from", "soon"], 2, "--from: must be a time such as"],
      [["stats", "--by", "year"], 2, '--by: must be hour or day, but is "year"'],
      [["--json"], 2, "--json belongs to the commands stats, nodes"],
      [["stats", "--redis", "127.0.0.1:1"], 1, "the statistics cannot be read: "],
      [["stats", "--admin-listen", "127.0.0.1:1"], 1, "the statistics cannot be read: "],
    ] as const) {
      const result = await runExecutable(args)
      expect(result.stderr.trim().split("\n")).toEqual([expect.stringContaining(line)])
      expect(result.code).toBe(code)
    }
  })

  test("with 503 while Redis is away, and again when it is back", async () => {
    await using own = await startRedis()
    await using lonely = await startNode(["--redis", own.url])
    await own.kill()
    expect((await fetch(`${lonely.adminUrl}stats`)).status).toBe(503)
    await own.restart()
    expect((await fetch(`${lonely.adminUrl}stats`)).status).toBe(200)
    // And at once, when it was away while nobody asked.
    await own.restart()
    expect((await fetch(`${lonely.adminUrl}stats`)).status).toBe(200)
  })
})

test("a table is not wider than the terminal, and its longest bar is the most joins", () => {
  const hours = [1, 4, 2].map((joins, at) => ({ hour: at * HOUR, rooms: { 2: 1 }, minutes: { 0: joins } }))
  const table = toTable(toRows(hours, "hour"), "hour", 60).split("\n")
  const bars = table.slice(1, 4).map((line) => line.replace(/^.* /, ""))
  expect(Math.max(...table.map((line) => line.length))).toBeLessThan(60)
  expect(bars.map((bar) => bar.length)).toEqual([3, 9, 5])
  expect(toRows([], "day")).toEqual([])
})
