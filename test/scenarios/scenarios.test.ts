// Every scenario over every kind of deployment: a node on its own, and one, two and three nodes on Redis.

import { afterAll, afterEach, beforeAll, describe, expect } from "bun:test"
import { startNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"
import { makePrefix } from "../helpers/redis-stores.ts"
import { Cluster } from "./cluster.ts"
import { bigRoom, manyRooms } from "./crowds.ts"
import { joins } from "./joins.ts"
import { leaves } from "./leaves.ts"
import { relays } from "./relays.ts"
import { statuses } from "./statuses.ts"

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis[Symbol.asyncDispose]())

/** A cluster for all tests of a `describe`. Each of them ends with nobody in a room, and all with nothing in Redis. */
function over(onRedis: number, ...args: string[]): () => Cluster {
  const prefix = makePrefix()
  let cluster: Cluster

  beforeAll(async () => {
    const store = onRedis === 0 ? [] : ["--redis", redis.url, "--redis-prefix", prefix]
    const nodes = Array.from({ length: Math.max(1, onRedis) }, () => startNode([...store, ...args]))
    cluster = new Cluster(await Promise.all(nodes))
  }, 30_000)

  afterEach(() => cluster.finish())

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]()
    const keys = (await redis.cli("KEYS", `${prefix}:*`)).split("\n")
    expect(keys.filter((key) => key !== "" && !key.includes(":store:stats:"))).toEqual([])
  })

  return () => cluster
}

describe.each([
  ["a node on its own", 0],
  ["one node on Redis", 1],
  ["two nodes on Redis", 2],
  ["three nodes on Redis", 3],
])("%s:", (_, onRedis) => {
  const cluster = over(onRedis)
  joins(cluster)
  leaves(cluster)
  relays(cluster)
  statuses(cluster)
  bigRoom(cluster, 50)
  manyRooms(cluster)

  describe("--room-size 100:", () => bigRoom(over(onRedis, "--room-size", "100"), 100))
})
