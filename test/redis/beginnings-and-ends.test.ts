// A store's start without Redis, its end with one that hangs, and what it says of why it is away: every wait is bounded,
// and nothing says a password.

import { heapStats } from "bun:jsc"
import { afterAll, beforeAll, expect, test } from "bun:test"
import { makeRedisRoomStore } from "../../src/cluster/redis-room-store.ts"
import { makePeerId, toRoomKey } from "../../src/rooms/ids.ts"
import { StoreUnavailable } from "../../src/rooms/room-store.ts"
import { join, joinOf, makeRoom, memberOf, Recorder } from "../conformance/recorder.ts"
import { freePort, poll, type RedisServer, startProxy, startRedis } from "../helpers/redis.ts"
import { makePrefix, startStore } from "../helpers/redis-stores.ts"

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
}, 30_000)

afterAll(() => redis[Symbol.asyncDispose]())

/** Milliseconds `act` takes. */
async function timeOf(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await act()
  return performance.now() - startedAt
}

test("without Redis a store waits for it, refuses commands in time, says why, and closes at once", async () => {
  const port = await freePort()
  const store = makeRedisRoomStore({ urls: [`redis://user:s3cret@127.0.0.1:${port}`], waitSeconds: 0.3 })
  const started = store.start(new Recorder()).catch((cause: unknown) => cause)
  const refusedMs = await timeOf(async () =>
    expect(store.join(joinOf(makeRoom(), makePeerId()))).rejects.toBeInstanceOf(StoreUnavailable),
  )
  expect(refusedMs).toBeGreaterThan(250)
  expect(refusedMs).toBeLessThan(2000)
  expect(store.state).toBe("away")
  expect(store.awayReason).toContain(`127.0.0.1:${port}`)
  expect(store.awayReason).toContain("ECONNREFUSED")
  expect(store.awayReason).not.toMatch(/user|s3cret/)
  expect(await timeOf(() => store.close(1000))).toBeLessThan(200)
  expect(await started).toBeInstanceOf(StoreUnavailable)
})

test("a store whose Redis comes later is up then", async () => {
  await using proxy = await startProxy(redis.port)
  proxy.isRefusing = true
  const store = makeRedisRoomStore({ urls: [`redis://127.0.0.1:${proxy.port}`], prefix: makePrefix() })
  const started = store.start(new Recorder())
  await poll(() => store.counters.reconnects > 1)
  proxy.isRefusing = false
  await started
  expect(store.awayReason).toBeUndefined()
  await store.close(1000)
})

test("a store that connects to something that never answers is closed at once all the same", async () => {
  const connected = Promise.withResolvers<void>()
  const socket = { open: () => connected.resolve(), data() {} }
  using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket })
  const store = makeRedisRoomStore({ urls: [`redis://127.0.0.1:${silent.port}`] })
  const started = store.start(new Recorder()).catch((cause: unknown) => cause)
  await connected.promise
  expect(await timeOf(() => store.close(1000))).toBeLessThan(200)
  expect(await started).toBeInstanceOf(StoreUnavailable)
})

test("closing is over within its bound, whatever Redis does", async () => {
  await using proxy = await startProxy(redis.port)
  const { store } = await startStore({ urls: [`redis://127.0.0.1:${proxy.port}`], prefix: makePrefix() })
  const room = makeRoom()
  await join(store, joinOf(room, makePeerId()))
  proxy.freeze()
  proxy.isRefusing = true
  store.relay(store.node, { room, from: makePeerId(), to: makePeerId(), text: "{}" }, undefined)
  const tookMs = await timeOf(() => store.close(300))
  expect(tookMs).toBeGreaterThan(250)
  expect(tookMs).toBeLessThan(1000)
  await expect(store.snapshot(room)).rejects.toBeInstanceOf(StoreUnavailable)
})

test("why it is away: a wrong password, without it; a Redis that went", async () => {
  await redis.cli("ACL", "SETUSER", "signaling", "on", ">right", "~*", "&*", "+@all")
  const wrong = makeRedisRoomStore({ urls: [`redis://signaling:wrong-word@127.0.0.1:${redis.port}`] })
  const started = wrong.start(new Recorder()).catch(() => {})
  await poll(() => wrong.awayReason?.includes("WRONGPASS") === true)
  expect(wrong.awayReason).toBe(`redis at 127.0.0.1:${redis.port}: WRONGPASS`)
  await wrong.close(1000)
  await started
  await using own = await startRedis()
  const { store } = await startStore({ urls: [own.url], prefix: makePrefix() })
  await own.kill()
  await poll(() => store.state === "away")
  expect(store.awayReason).toStartWith(`redis at 127.0.0.1:${own.port}: `)
  await store.close(100)
})

test("rooms restored while there is no resync leave nothing behind", async () => {
  await using made = await startStore({ urls: [redis.url], prefix: makePrefix() })
  const { store } = made
  const stringsNow = (): number => {
    Bun.gc(true)
    return heapStats().objectTypeCounts["string"] ?? 0
  }
  const restoreSome = async (turn: number) => {
    for (let at = 0; at < 100; at++) {
      await Promise.all(
        Array.from({ length: 50 }, (_, part) => store.restore(toRoomKey(`${turn} ${at} ${part}`), [], [])),
      )
    }
  }
  await restoreSome(0)
  const before = stringsNow()
  await restoreSome(1)
  // Each of the 5,000 keys was kept until the next resync.
  expect(stringsNow() - before).toBeLessThan(1000)
  const room = makeRoom()
  const own = memberOf(store.node, makePeerId())
  expect((await store.restore(room, [own], [])).members).toEqual([own])
}, 30_000)
