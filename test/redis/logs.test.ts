// What a node of several writes: which Redis, how that goes, and which other nodes came and went.

import { expect, test } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { poll, startRedis } from "../helpers/redis.ts"

/** The messages of its lines, each with the fields asked for. */
function linesOf(node: TestNode, ...fields: string[]): unknown[][] {
  const lines = node.log().split("\n").slice(0, -1)
  return lines.map((text) => {
    const line = JSON.parse(text) as Record<string, unknown>
    return [line["msg"], ...fields.map((name) => line[name])]
  })
}

/** The JSON of /readyz. */
async function readiness(node: TestNode): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${node.httpUrl}readyz`, { headers: { accept: "application/json" } })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

test("a Redis that refuses the password: one line with its host, however often it is tried, and never user or password", async () => {
  await using redis = await startRedis()
  await redis.cli("CONFIG", "SET", "requirepass", "right")
  const place = `127.0.0.1:${redis.port}`
  await using node = await startNode(["--redis", `redis://someone:wrong-word@${place}`, "--log-level", "info"])
  await poll(async () => (await node.metric("palava_store_reconnects_total")) >= 8)
  expect(linesOf(node, "level", "redis", "times")).toEqual([
    ["listening", "info", place, undefined],
    ["redis cannot be used", "warn", place, 1],
  ])
  expect(node.log()).toContain("WRONGPASS")
  for (const secret of ["someone", "wrong-word"]) expect(node.log()).not.toContain(secret)
  expect(await readiness(node)).toEqual({
    status: 503,
    body: {
      ready: false,
      reasons: ["Redis cannot be reached"],
      node: expect.any(String),
      version: expect.any(String),
      store: { kind: "redis", state: "away" },
    },
  })
  expect((await fetch(`${node.httpUrl}healthz`)).status).toBe(200)
  node.kill("SIGTERM")
  expect(await node.exited).toBe(0)
  expect(linesOf(node).slice(2)).toEqual([["stopping"], ["stopped"]])
}, 60_000)

test("a Redis that goes away and comes back: a line each", async () => {
  await using redis = await startRedis()
  const place = `127.0.0.1:${redis.port}`
  await using node = await startNode(["--redis", redis.url])
  expect((await readiness(node)).body).toMatchObject({ ready: true, store: { kind: "redis", state: "up" } })
  await redis.kill()
  await poll(async () => (await node.metric("palava_store_reconnects_total")) >= 4)
  expect((await readiness(node)).body).toMatchObject({ ready: false, store: { kind: "redis", state: "away" } })
  await redis.restart()
  await poll(() => linesOf(node).length >= 4)
  expect(linesOf(node, "redis")).toEqual([
    ["listening", place],
    ["redis can be used", place],
    ["redis connection lost", place],
    ["redis is back", place],
  ])
}, 60_000)

test("other nodes are told of when they are seen, and once when they are lost; not when they stop", async () => {
  await using redis = await startRedis()
  // That of the others is long, and ended by hand: on a busy machine a short one may be over while its node lives.
  await using node = await startNode(["--redis", redis.url, "--lease-seconds", "1"])
  await using here = await TestClient.connect(node.url)
  await here.join("tea")
  const told: unknown[][] = []
  for (const isKilled of [true, false]) {
    await using other = await startNode(["--redis", redis.url])
    const { node: id } = JSON.parse(other.log().split("\n")[0] ?? "") as { node: string }
    await using there = await TestClient.connect(other.url)
    await there.join("tea")
    await here.next("new_peer")
    there.send({ event: "send_to_peer", peer_id: here.ownId, data: { event: "message" } })
    await here.next("message")
    if (isKilled) {
      other.kill("SIGKILL")
      await other.exited
      await redis.cli("ZADD", "palava:nodes", "1", id)
    } else await other.stop()
    await here.next("peer_left")
    // Behind the sweep the lease is gone, and nobody is told of it any more.
    await poll(async () => (await node.metric("palava_store_sweeps_total")) > 0)
    told.push(["node seen", id], ...(isKilled ? [["node lost", id]] : []))
  }
  expect(linesOf(node, "node").filter(([message]) => String(message).startsWith("node "))).toEqual(told)
}, 60_000)
