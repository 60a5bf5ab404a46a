// The Redis store keeps the contract, on a single Redis and on a cluster of three masters.

import { afterAll, beforeAll } from "bun:test"
import { roomStoreSuite } from "../conformance/room-store.ts"
import { type RedisClusterServers, type RedisServer, startCluster, startRedis } from "../helpers/redis.ts"
import { makePrefix, startStore } from "../helpers/redis-stores.ts"

let redis: RedisServer
let cluster: RedisClusterServers

beforeAll(async () => {
  ;[redis, cluster] = await Promise.all([startRedis(), startCluster()])
}, 60_000)

afterAll(async () => {
  await Promise.all([redis[Symbol.asyncDispose](), cluster[Symbol.asyncDispose]()])
})

roomStoreSuite("ClusterRoomStore", () => startStore({ urls: [redis.url], prefix: makePrefix() }))

roomStoreSuite("ClusterRoomStore on a cluster", () =>
  startStore({ urls: cluster.urls, isCluster: true, prefix: makePrefix() }),
)
