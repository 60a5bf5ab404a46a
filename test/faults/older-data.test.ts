// Redis killed and restarted from a snapshot of a moment ago, under two nodes of the executable: joins are answered,
// everybody sees everybody and nobody else, and the nodes end when they are told to.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { ClientView } from "../helpers/client-view.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { makePrefix } from "../helpers/redis-stores.ts"

/** Snapshots only when asked for, and nothing else kept. */
const SNAPSHOTS_ONLY = ["--appendonly", "no", "--save", ""]

/** 3 s: a stop without an announcement takes milliseconds, or 1.5 s when it waits for what never comes. It never came. */
const STOP_WITHIN_MS = 3_000

const ROOM = "tea"

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis(...SNAPSHOTS_ONLY)
})
afterAll(() => redis[Symbol.asyncDispose]())

/** What a client sees: the others' ids and statuses. Throws when its events break a guarantee of the protocol. */
function viewOf({ all }: TestClient): Map<string, string> {
  const view = new ClientView()
  for (const event of all) view.see(event)
  return new Map([...view.members].toSorted())
}

/** Waits until each of `members` sees exactly the others, with the statuses given. */
async function seeEachOther(members: ReadonlyMap<TestClient, string>): Promise<void> {
  const all = [...members].map(([{ ownId }, status]) => [ownId, status] as const)
  for (const client of members.keys()) {
    const others = new Map(all.filter(([id]) => id !== client.ownId).toSorted())
    await poll(() => Bun.deepEquals(viewOf(client), others))
  }
}

test("who joined, changed or left since the snapshot is neither lost nor a ghost, and joins are answered", async () => {
  const common = ["--redis", redis.url, "--redis-prefix", makePrefix(), "--shutdown-seconds", "0"]
  await using cleanup = new AsyncDisposableStack()
  const nodes = [cleanup.use(await startNode(common)), cleanup.use(await startNode(common))] as const
  const members = new Map<TestClient, string>()
  const enter = async (node: TestNode, status: object): Promise<TestClient> => {
    const client = cleanup.use(await TestClient.connect(node.url))
    expect((await client.join(ROOM, status)).event).toBe("joined_room")
    members.set(client, JSON.stringify(status))
    return client
  }
  const changeAfter = async (client: TestClient, status: object): Promise<void> => {
    client.send({ event: "update_status", status })
    await client.next("peer_updated_status")
    members.set(client, JSON.stringify(status))
  }
  const [first, second] = [await enter(nodes[0], { n: 1 }), await enter(nodes[1], { n: 2 })]
  const leaver = await enter(nodes[1], { n: 3 })
  for (let round = 0; round < 3; round++) {
    await redis.cli("SAVE")
    // All of it is lost: the log goes on from a lower seq than the nodes have seen.
    for (let count = 0; count < 5; count++) await changeAfter(first, { n: 10 * round + count })
    await enter(nodes[round % 2] as TestNode, { late: round })
    if (round === 0) {
      leaver.send({ event: "leave_room" })
      await leaver.drain()
      members.delete(leaver)
    }
    await seeEachOther(members)
    await redis.restart()

    await Promise.all(nodes.map((node) => enter(node, { behind: round })))
    await changeAfter(second, { n: 100 + round })
    await seeEachOther(members)
    first.send({ event: "send_to_peer", peer_id: second.ownId, data: { event: "message", round } })
    expect(await second.next("message")).toEqual({ event: "message", round, sender_id: first.ownId })
  }

  await redis.cli("SAVE")
  await changeAfter(first, { n: -1 })
  await redis.restart()
  const [waiting] = await Promise.all(nodes.map(({ url }) => TestClient.connect(url)))
  cleanup.use(waiting as TestClient).send({ event: "join_room", room_id: ROOM })
  const startedAt = performance.now()
  for (const node of nodes) node.kill("SIGTERM")
  expect(await Promise.all(nodes.map(({ exited }) => exited))).toEqual([0, 0])
  expect(performance.now() - startedAt).toBeLessThan(STOP_WITHIN_MS)
}, 60_000)
