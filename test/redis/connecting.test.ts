// A connection that is given up while it is being made: nothing of it may stay open. A subscriber that stayed would take
// the messages for this node, and nobody would read them.

import { expect, test } from "bun:test"
import { drop, makeClient, toPlace } from "../../src/cluster/redis/clients.ts"
import { poll, startRedis } from "../helpers/redis.ts"

test("no client that is dropped while it connects comes up all the same", async () => {
  await using redis = await startRedis()
  for (let turns = 0; turns < 40; turns++) {
    const client = makeClient(toPlace(redis.url), "given-up", 1000)
    client.on("error", () => {})
    const ended = client
      .connect()
      .then(() => client.subscribe("channel", () => {}))
      .catch(() => {})
    for (let turn = 0; turn < turns % 8; turn++) await new Promise(setImmediate)
    drop(client)
    await Promise.race([ended, new Promise((resolve) => client.once("end", resolve))])
  }
  await poll(async () => !(await redis.cli("CLIENT", "LIST")).includes("given-up"))
  expect(await redis.cli("PUBSUB", "NUMSUB", "channel")).toBe("channel\n0\n")
})
