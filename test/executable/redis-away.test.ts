// Redis that is absent or hung, at the start and later: the node listens, says what it waits for, refuses clients in
// time, goes on when Redis comes, and ends when it is told to, however much is waiting.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { freePort, type NetworkProxy, poll, type RedisServer, startProxy, startRedis } from "../helpers/redis.ts"
import { makePrefix } from "../helpers/redis-stores.ts"

/** `--redis-wait-seconds`: what clients wait at most. */
const WAIT_SECONDS = 1

/** The same, longer than any end of a process may take: an end in time has not waited for it. */
const LONG_WAIT_SECONDS = 60

/** 3 s: the wait of a request, and as much again for a busy machine. */
const REFUSED_WITHIN_MS = 3_000

/** 1 s is promised to who insists; 0.5 s for the process itself to end on a busy machine. It was 5 s to 10 s. */
const INSISTING_MS = 1_500

/** `--shutdown-seconds`. */
const SHUTDOWN_SECONDS = 1

/** The announced seconds and 2 s are promised; 0.5 s as above. */
const GENTLE_MS = (SHUTDOWN_SECONDS + 2.5) * 1000

let redis: RedisServer
/** Takes connections and never answers. */
let silent: Bun.TCPSocketListener<undefined>
beforeAll(async () => {
  redis = await startRedis()
  silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
}, 30_000)
afterAll(async () => {
  silent.stop(true)
  await redis[Symbol.asyncDispose]()
})

/** A lease of 2 s: a hung Redis is found in 0.6 s. */
function start(port: number, waitSeconds = WAIT_SECONDS): Promise<TestNode> {
  const limits = ["--lease-seconds", "2", "--redis-wait-seconds", `${waitSeconds}`]
  const place = ["--redis", `redis://127.0.0.1:${port}`, "--redis-prefix", makePrefix()]
  return startNode([...place, ...limits, "--shutdown-seconds", `${SHUTDOWN_SECONDS}`])
}

/** From now on nothing that goes through the proxy is answered, on new connections neither. */
function hang(proxy: NetworkProxy): void {
  proxy.target = silent.port
  proxy.freeze()
}

/** What each listener says of its readiness. */
async function readiness(node: TestNode): Promise<readonly (readonly [status: number, text: string])[]> {
  const answers = await Promise.all([node.httpUrl, node.adminUrl].map((url) => fetch(`${url}readyz`)))
  return Promise.all(answers.map(async (answer) => [answer.status, await answer.text()] as const))
}

async function expectAway(node: TestNode): Promise<void> {
  for (const url of [node.httpUrl, node.adminUrl]) expect((await fetch(`${url}healthz`)).status).toBe(200)
  for (const [status, text] of await readiness(node)) {
    expect(status).toBe(503)
    expect(text).toMatch(/^not ready: .*redis/i)
  }
}

const milliseconds = async (act: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now()
  await act()
  return performance.now() - startedAt
}

/** The three ways to end it: the signals, and within how many milliseconds. */
const ENDS: readonly (readonly [signals: readonly NodeJS.Signals[], withinMs: number])[] = [
  [["SIGTERM"], GENTLE_MS],
  [["SIGTERM", "SIGTERM"], INSISTING_MS],
  [["SIGINT"], INSISTING_MS],
]

/** Ends it while a client waits for a join. */
async function expectEnd(node: TestNode, signals: readonly NodeJS.Signals[], withinMs: number): Promise<void> {
  await using client = await TestClient.connect(node.url)
  client.send({ event: "ping" })
  client.send({ event: "join_room", room_id: "waits" })
  await client.next("pong")
  const tookMs = await milliseconds(async () => {
    for (const [at, signal] of signals.entries()) {
      node.kill(signal)
      if (at + 1 < signals.length) await client.next("shutdown")
    }
    expect(await node.exited).toBe(0)
  })
  expect(tookMs).toBeLessThan(withinMs)
  expect((await client.closed).code).toBe(1001)
}

const ABSENCES: readonly (readonly [what: string, port: () => Promise<number>])[] = [
  ["absent", freePort],
  ["hung", async () => silent.port],
]

describe.each(ABSENCES)("at the start Redis is %s", (_what, portOf) => {
  test("it listens, is healthy, not ready, and refuses clients in time", async () => {
    await using node = await start(await portOf())
    await expectAway(node)
    await using client = await TestClient.connect(node.url)
    const tookMs = await milliseconds(async () => expect((await client.join("tea"))["id"]).toBe("unavailable"))
    expect(tookMs).toBeLessThan(REFUSED_WITHIN_MS)
    client.send({ event: "ping" })
    expect(await client.next()).toEqual({ event: "pong" })
  })

  for (const [signals, withinMs] of ENDS) {
    test(`${signals.join(", then ")} ends it in time`, async () => {
      await using node = await start(await portOf(), LONG_WAIT_SECONDS)
      await expectEnd(node, signals, withinMs)
    })
  }
})

test("it is ready once Redis comes, and serves who was refused", async () => {
  await using proxy = await startProxy(silent.port)
  await using node = await start(proxy.port)
  await using client = await TestClient.connect(node.url)
  expect((await client.join("tea"))["id"]).toBe("unavailable")
  proxy.target = redis.port
  proxy.reset()
  await poll(async () => (await fetch(`${node.adminUrl}readyz`)).status === 200)
  expect((await client.join("tea")).event).toBe("joined_room")
})

describe("later Redis", () => {
  const FAULTS: readonly (readonly [what: string, begin: (proxy: NetworkProxy) => void])[] = [
    ["hangs", hang],
    [
      "is gone",
      (proxy) => {
        proxy.isRefusing = true
        proxy.reset()
      },
    ],
  ]

  describe.each(FAULTS)("%s", (_what, begin) => {
    test("it stays healthy, is not ready, keeps its members, and refuses newcomers in time", async () => {
      await using proxy = await startProxy(redis.port)
      await using node = await start(proxy.port)
      await using first = await TestClient.connect(node.url)
      await using second = await TestClient.connect(node.url)
      await first.join("tea")
      await second.join("tea")
      begin(proxy)
      await poll(async () => (await readiness(node)).every(([status]) => status === 503))
      await expectAway(node)
      await using newcomer = await TestClient.connect(node.url)
      const tookMs = await milliseconds(async () => expect((await newcomer.join("tea"))["id"]).toBe("unavailable"))
      expect(tookMs).toBeLessThan(REFUSED_WITHIN_MS)
      second.send({ event: "send_to_peer", peer_id: first.ownId, data: { event: "message" } })
      expect(await first.next("message")).toEqual({ event: "message", sender_id: second.ownId })
    })

    for (const [signals, withinMs] of ENDS) {
      test(`${signals.join(", then ")} ends it in time, with members to take out`, async () => {
        await using proxy = await startProxy(redis.port)
        await using node = await start(proxy.port, LONG_WAIT_SECONDS)
        await using member = await TestClient.connect(node.url)
        await member.join("tea")
        begin(proxy)
        await expectEnd(node, signals, withinMs)
        expect((await member.closed).code).toBe(1001)
      })
    }
  })
})
