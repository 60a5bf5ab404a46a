// A Redis Cluster that loses a master, under live traffic.

import { afterAll, beforeAll } from "bun:test"
import { poll, type RedisClusterServers, type RedisServer, startCluster } from "../helpers/redis.ts"
import { SOME_MESSAGES, testFault } from "./faulty.ts"

let cluster: RedisClusterServers
let keepers: RedisServer[]

beforeAll(async () => {
  cluster = await startCluster({ withReplicas: true })
  keepers = [...cluster.masters]
}, 60_000)

afterAll(() => cluster[Symbol.asyncDispose]())

testFault(
  "a cluster that loses one master to its replica",
  () => ({ cluster: cluster.urls, keepers: () => keepers }),
  async ({ traffic }) => {
    const [, lost] = cluster.masters
    const [, heir] = cluster.replicas
    if (lost === undefined || heir === undefined) throw new Error("no such master")
    await lost.kill()
    keepers[1] = heir
    await poll(async () => (await heir.cli("ROLE")).startsWith("master"))
    await traffic.heard(SOME_MESSAGES)
  },
)
