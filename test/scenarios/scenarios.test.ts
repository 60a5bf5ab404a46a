// Every scenario over every kind of deployment: a node on its own, one to three on Redis, three on a Redis Cluster, a server
// with workers.

import { afterAll, afterEach, beforeAll, describe, expect } from "bun:test"
import { startNode } from "../helpers/node.ts"
import { type RedisClusterServers, type RedisServer, startCluster, startRedis } from "../helpers/redis.ts"
import { keysOf, makePrefix } from "../helpers/redis-stores.ts"
import { Cluster } from "./cluster.ts"
import { bigRoom, manyRooms } from "./crowds.ts"
import { joins } from "./joins.ts"
import { leaves } from "./leaves.ts"
import { relays } from "./relays.ts"
import { statuses } from "./statuses.ts"

let redis: RedisServer
let redisCluster: RedisClusterServers

beforeAll(async () => {
  redis = await startRedis()
  redisCluster = await startCluster()
}, 60_000)

afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await redisCluster[Symbol.asyncDispose]()
})

/** Where the nodes of a cluster keep their rooms. */
interface Backend {
  readonly args: () => readonly string[]
  readonly servers: () => readonly RedisServer[]
}

const MEMORY: Backend = { args: () => [], servers: () => [] }
const REDIS: Backend = { args: () => ["--redis", redis.url], servers: () => [redis] }
const WORKERS: Backend = { args: () => ["--redis", redis.url, "--workers", "2"], servers: () => [redis] }
const REDIS_CLUSTER: Backend = {
  args: () => redisCluster.urls.flatMap((url) => ["--redis-cluster", url]),
  servers: () => redisCluster.masters,
}

/** A cluster for all tests of a `describe`. Each of them ends with nobody in a room, and all with nothing in Redis. */
function over(count: number, { args, servers }: Backend, ...more: string[]): () => Cluster {
  const prefix = makePrefix()
  let cluster: Cluster

  beforeAll(async () => {
    const all = ["--redis-prefix", prefix, ...args(), ...more]
    cluster = new Cluster(await Promise.all(Array.from({ length: count }, () => startNode(all))))
  }, 30_000)

  afterEach(() => cluster.finish())

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]()
    expect(await keysOf(servers(), prefix)).toEqual([])
  })

  return () => cluster
}

describe.each([
  ["a node on its own", 1, MEMORY],
  ["one node on Redis", 1, REDIS],
  ["two nodes on Redis", 2, REDIS],
  ["three nodes on Redis", 3, REDIS],
  ["three nodes on a Redis Cluster", 3, REDIS_CLUSTER],
  ["one server of two workers on Redis", 1, WORKERS],
] as const)("%s:", (_, nodes, backend) => {
  const cluster = over(nodes, backend)
  joins(cluster)
  leaves(cluster)
  relays(cluster)
  statuses(cluster)
  bigRoom(cluster, 50)
  manyRooms(cluster)

  describe("--room-size 100:", () => bigRoom(over(nodes, backend, "--room-size", "100"), 100))
})
