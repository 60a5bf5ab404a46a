// A node beside one of another release, which this file plays: in what it writes to Redis and publishes, packed by hand. The
// older one knows nothing of marks; the newer one says what this release has never heard of.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { decode, encode } from "@msgpack/msgpack"
import { createClient } from "redis"
import { makeKeys } from "../../src/cluster/redis/keys.ts"
import { makeNodeId, toMark, toRoomKey } from "../../src/rooms/ids.ts"
import { SECRET, sign } from "../access/tokens.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { makePrefix } from "../helpers/redis-stores.ts"

const ROOM = "tea"
const KEY = toRoomKey(ROOM)
/** A minute from now, by this machine's clock, which is that of the Redis beside it. */
const leaseEnd = () => Date.now() + 60_000

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
}, 30_000)
afterAll(() => redis[Symbol.asyncDispose]())

/** A node of another release, with a lease. */
async function startOther(prefix: string) {
  const keys = makeKeys(prefix, false)
  const id = makeNodeId()
  const client = await createClient({ url: redis.url }).connect()
  const subscriber = await client.duplicate().connect()
  const heard: unknown[][] = []
  const channel = keys.channelPrefix(0)
  await subscriber.subscribe(channel + id, (bytes) => heard.push(decode(bytes) as unknown[]), true)
  await client.zAdd(keys.leases, { score: leaseEnd(), value: id })
  const meta = keys.meta(0, KEY)
  const other = {
    id,
    /** What came on its channel, its own announcements among it. */
    heard,
    client,
    keys,
    /** Publishes to all nodes of the room. */
    async publish(message: unknown[]): Promise<void> {
      const bytes = Buffer.from(encode(message))
      for (const node of await client.hKeys(keys.nodes(0, KEY))) await client.publish(channel + node, bytes)
    },
    /** Adds entries to the room's log, and tells of them. */
    async log(events: readonly unknown[]): Promise<void> {
      const seq = await client.hIncrBy(meta, "seq", events.length)
      await other.publish([1, 1, KEY, await client.hGet(meta, "epoch"), seq - events.length + 1, events])
    },
    /** A member of its own, with no more fields than the first releases had. */
    async join(peer: string, status: string): Promise<void> {
      const seq = Number(await client.hGet(meta, "seq"))
      const member = [id, 1, 1, Date.now(), seq + 1, status]
      await client.hSet(keys.room(0, KEY), peer, Buffer.from(encode(member)))
      await client.hIncrBy(keys.nodes(0, KEY), id, 1)
      await client.sAdd(keys.roomsOf(0, id), KEY)
      await other.log([[1, peer, id, 1, 1, status]])
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([client.disconnect(), subscriber.disconnect()])
    },
  }
  return other
}

async function join(url: string, sub: string): Promise<TestClient> {
  const client = await TestClient.connect(url)
  client.send({ event: "join_room", room_id: ROOM, token: await sign({ room: ROOM, sub }) })
  client.ownId = String((await client.next("joined_room"))["own_id"])
  return client
}

test("an older one's member is one like all others, also where identities are told apart", async () => {
  const prefix = makePrefix()
  const args = [
    "--redis",
    redis.url,
    "--redis-prefix",
    prefix,
    "--auth-secret",
    SECRET,
    "--same-identity",
    "replace",
    "--lease-seconds",
    "3",
  ]
  await using node = await startNode(args)
  await using ada = await join(node.url, "ada")
  await using older = await startOther(prefix)
  const peer = "an older one's peer"
  await older.join(peer, '{"name":"Old"}')
  expect(await ada.next()).toEqual({ event: "new_peer", peer_id: peer, status: { name: "Old" } })

  // Whoever comes in another's place: what is told of it begins with what the older release reads.
  await using next = await join(node.url, "ada")
  expect((await ada.closed).code).toBe(4510)
  expect(next.all[0]?.["peers"]).toEqual([{ peer_id: peer, status: { name: "Old" } }])
  await poll(() => older.heard.length === 2)
  const nodes = (await older.client.hKeys(older.keys.nodes(0, KEY))).filter((id) => id !== older.id)
  const [version, kind, room, , first, events] = older.heard[1] as [number, number, string, string, number, unknown[][]]
  expect([version, kind, room, first]).toEqual([1, 1, KEY, 3])
  expect(events[0]?.slice(0, 3)).toEqual([2, ada.ownId, expect.any(Number)])
  expect(events[1]).toEqual([
    ...[1, next.ownId, nodes[0], expect.any(Number), expect.any(Number), "{}"],
    ...[false, toMark(KEY, "ada")],
  ])

  // Messages, both ways, numbered as it numbers them.
  next.send({ event: "send_to_peer", peer_id: peer, data: { event: "message", n: 1 } })
  await poll(() => older.heard.length === 3)
  const [, , , , lengths, text] = older.heard[2] as [number, number, string, number, number[], string]
  expect(lengths).toEqual([KEY.length, next.ownId.length, peer.length, expect.any(Number)])
  expect(text).toStartWith(KEY + next.ownId + peer)
  const said = '{"event":"message","n":2}'
  const to = next.ownId
  await older.publish([1, 2, older.id, 1, [KEY, peer, to, said].map(({ length }) => length), KEY + peer + to + said])
  expect(await next.next("message")).toEqual({ event: "message", n: 2 })

  // It dies: its members are swept as those of any node.
  await older.client.zAdd(older.keys.leases, { score: 1, value: older.id })
  expect(await next.next("peer_left")).toEqual({ event: "peer_left", sender_id: peer })
  expect(await next.drain()).toEqual([])
})

test("what only a newer one knows is counted and passed over, and the room goes on as it is in Redis", async () => {
  const prefix = makePrefix()
  await using node = await startNode(["--redis", redis.url, "--redis-prefix", prefix])
  await using ada = await TestClient.connect(node.url)
  await ada.join(ROOM)
  await using newer = await startOther(prefix)
  await newer.publish([2, 1, KEY, "of another version"])
  await newer.publish([1, 9, "of another kind"])
  const peer = "a newer one's peer"
  await newer.join(peer, "{}")
  await ada.next("new_peer")
  // Beside an event that is known here, two of kinds that are not; what they have done is in Redis.
  await newer.client.hSet(newer.keys.room(0, KEY), "another", packed(newer.id))
  await newer.log([[17, "another", ["any", "thing"]], [4, peer, '{"event":"first"}'], [18]])
  await newer.log([[4, peer, '{"event":"second"}']])
  const told = [await ada.next(), await ada.next(), await ada.next()]
  expect(told.toSorted((one, other) => one.event.localeCompare(other.event))).toEqual([
    { event: "first" },
    { event: "new_peer", peer_id: "another", status: {} },
    { event: "second" },
  ])
  expect(told.findIndex(({ event }) => event === "first")).toBeLessThan(
    told.findIndex(({ event }) => event === "second"),
  )
  expect(await ada.drain()).toEqual([])
  expect(await node.metric("palava_node_frames_dropped_total", 'reason="unknown"')).toBe(4)
  expect(await node.metric("palava_node_frames_dropped_total", 'reason="broken"')).toBe(0)
  expect((await ada.join(ROOM))["id"]).toBe("already_joined")
})

function packed(node: string): Buffer {
  const fieldsOfToday = [node, 1, 1, Date.now(), 99, "{}", false, false, "mark"]
  return Buffer.from(encode([...fieldsOfToday, "a field of tomorrow"]))
}
