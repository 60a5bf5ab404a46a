// Every scenario over every kind of deployment: a node on its own, and one, two and three nodes on Redis.

import { afterAll, afterEach, beforeAll, describe, expect } from "bun:test"
import { startNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"
import { makePrefix } from "../helpers/redis-stores.ts"
import { Cluster } from "./cluster.ts"
import { joins } from "./joins.ts"

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis[Symbol.asyncDispose]())

describe.each([
  ["a node on its own", 0],
  ["one node on Redis", 1],
  ["two nodes on Redis", 2],
  ["three nodes on Redis", 3],
])("%s:", (_, onRedis) => {
  const prefix = makePrefix()
  let cluster: Cluster

  beforeAll(async () => {
    const args = onRedis === 0 ? [] : ["--redis", redis.url, "--redis-prefix", prefix]
    const nodes = Array.from({ length: Math.max(1, onRedis) }, () => startNode(args))
    cluster = new Cluster(await Promise.all(nodes))
  })

  afterEach(() => cluster.finish())

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]()
    const keys = (await redis.cli("KEYS", `${prefix}:*`)).split("\n")
    expect(keys.filter((key) => key !== "" && !key.includes(":store:stats:"))).toEqual([])
  })

  joins(() => cluster)
})
