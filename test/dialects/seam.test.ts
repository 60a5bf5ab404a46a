// The contract of dialects, by one of a dozen words: on one node, and over two nodes with Redis between them.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { makeRedisRoomStore } from "../../src/cluster/redis-room-store.ts"
import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import type { RoomStore } from "../../src/rooms/room-store.ts"
import { PlainNode } from "../helpers/plain-node.ts"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { makePrefix } from "../helpers/redis-stores.ts"
import { makeShout, SHOUT_ROOM_SIZE } from "./shout.ts"
import { ShoutClient } from "./shout-client.ts"

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
})

/** Nodes that speak it, over stores that know each other. */
async function startNodes(count: 1 | 2): Promise<PlainNode[]> {
  const prefix = makePrefix()
  const makeStore = (): RoomStore =>
    count === 1 ? new MemoryRoomStore() : makeRedisRoomStore({ urls: [redis.url], prefix })
  const start = () => PlainNode.start(makeStore(), { dialects: (parts) => [makeShout(parts)], realTime: true })
  return Promise.all(Array.from({ length: count }, start))
}

for (const count of [1, 2] as const) {
  describe(`over ${count} node${count === 1 ? "" : "s"}`, () => {
    let nodes: PlainNode[]
    beforeAll(async () => {
      nodes = await startNodes(count)
    })
    afterAll(async () => {
      await Promise.all(nodes.map((node) => node.close()))
    })

    /** A client of the node whose turn it is. */
    const connect = (at: number): ShoutClient =>
      new ShoutClient(nodes[at % nodes.length] as PlainNode, "ws://node/shout")

    test("a client is in several rooms at once, by a name of its own choice in each", async () => {
      const [ada, ben] = [connect(0), connect(1)]
      await ada.say("+tea ada", "+tea ada")
      await ada.say("+milk countess", "+milk countess")
      await ben.say("+tea ben", "+tea ada,ben")
      await ada.hears(">tea ben")
      await ben.say("+milk ben", "+milk countess,ben")
      await ada.hears(">milk ben")
      await ben.say("-tea", undefined)
      await ada.hears("<tea ben")
      await ben.say("milk still here", "milk still here")
      await ada.hears("milk still here")
      ada.close()
      await ben.hears("<milk countess")
    })

    test("a name that is taken is refused, also at another node; its holder is not disturbed", async () => {
      const [first, second] = [connect(0), connect(1)]
      await first.say("+names one", "+names one")
      await second.say("+names one", "taken")
      await second.say("+names __proto__", "+names one,__proto__")
      await first.hears(">names __proto__")
      first.close()
      await second.hears("<names one")
    })

    test("a name is taken over, also from another node: its holder is told, all others see nothing", async () => {
      const [first, second, other] = [connect(0), connect(1), connect(0)]
      await first.say("+over one", "+over one")
      await other.say("+over two", "+over one,two")
      await first.hears(">over two")
      await second.say("*over one", "+over one,two")
      await first.hears("!over")
      await first.say("over late", "where?")
      other.send("@over one hello")
      await second.hears("@over two hello")
      await second.say("over it is me", "over it is me")
      await other.hears("over it is me")
      first.close()
      await second.say("over still me", "over still me")
      await other.hears("over still me")
      expect(other.all).toEqual(["+over one,two", "over it is me", "over still me"])
      second.close()
      await other.hears("<over one")
      other.close()
    })

    test("a room has a limit of its own dialect", async () => {
      const clients = Array.from({ length: SHOUT_ROOM_SIZE + 1 }, (_, at) => connect(at))
      const names = clients.map((_, at) => `n${at}`)
      for (const [at, client] of clients.entries()) {
        const expected = at < SHOUT_ROOM_SIZE ? `+small ${names.slice(0, at + 1).join(",")}` : "full"
        await client.say(`+small ${names[at]}`, expected)
      }
      for (const client of clients) client.close()
    })

    test("what is published reaches all members byte for byte and in one order, the sender included", async () => {
      const clients = Array.from({ length: SHOUT_ROOM_SIZE }, (_, at) => connect(at))
      for (const [at, client] of clients.entries()) {
        await client.say(`+order n${at}`, new RegExp(`^\\+order .*n${at}$`))
      }
      const each = 25
      for (let number = 0; number < each; number++) {
        for (const [at, client] of clients.entries()) client.send(`order ${at} ${number} {"a":1e400, "a": "\\u00e9"}  `)
      }
      const total = each * clients.length
      const heardBy = (client: ShoutClient) => client.all.filter((text) => text.startsWith("order "))
      await poll(() => clients.every((client) => heardBy(client).length === total))
      const [reference] = clients.map(heardBy)
      for (const client of clients) expect(heardBy(client)).toEqual(reference as string[])
      for (const at of clients.keys()) {
        const own = (reference ?? []).filter((text) => text.startsWith(`order ${at} `))
        expect(own).toEqual(
          Array.from({ length: each }, (_, number) => `order ${at} ${number} {"a":1e400, "a": "\\u00e9"}  `),
        )
      }
      for (const client of clients) client.close()
    })

    test("a message for one reaches that one; nobody outside the room", async () => {
      const [ada, ben, out] = [connect(0), connect(1), connect(1)]
      await ada.say("+direct ada", "+direct ada")
      await ben.say("+direct ben", "+direct ada,ben")
      await out.say("+elsewhere out", "+elsewhere out")
      await ada.say("@direct out hello", /^(>direct ben|who\?)$/)
      ada.send("@direct ben hello")
      await ben.hears("@direct ada hello")
      expect(out.all).toEqual(["+elsewhere out"])
      for (const client of [ada, ben, out]) client.close()
    })
  })
}

describe("by one address", () => {
  test("the first message decides: palava or the other, and a room is of one dialect", async () => {
    const node = await PlainNode.start(undefined, {
      dialects: (parts) => [{ ...makeShout(parts), recognises: () => true }],
    })
    const shouting = new ShoutClient(node, "ws://node/")
    await shouting.say("+room ada", "+room ada")
    const palava = node.connect("ws://node/")
    palava.send({ event: "join_room", room_id: "room" })
    await poll(() => palava.all.length > 0)
    expect(palava.all).toEqual([{ event: "joined_room", own_id: palava.id, peers: [] }])
    const neither = node.connect("ws://node/")
    neither.send("nonsense")
    expect(neither.all).toMatchObject([{ event: "error", id: "invalid_message" }])
    shouting.send("room hello")
    await shouting.hears("room hello")
    expect(palava.all).toHaveLength(1)
    await node.close()
  })
})
