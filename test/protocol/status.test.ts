// How a status is merged and shown: always whole, to all members, the sender included.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"

let node: TestNode
beforeAll(async () => {
  node = await startNode()
})
afterAll(async () => {
  expect(node.complaints()).toBe("")
  await node[Symbol.asyncDispose]()
})

/** What was there, what is sent (as JSON text), and what all see then (as JSON text). */
const MERGES: readonly (readonly [what: string, before: string, change: string, after: string])[] = [
  ["a new key is added", '{"a":1}', '{"b":2}', '{"a":1,"b":2}'],
  ["a given key replaces the old value, whatever it was", '{"a":{"x":1,"y":2}}', '{"a":{"z":3}}', '{"a":{"z":3}}'],
  ["a key given as null is removed", '{"a":1,"b":2}', '{"a":null}', '{"b":2}'],
  ["a key that was not there is removed without a word", '{"a":1}', '{"z":null}', '{"a":1}'],
  ["null further in is a value", '{"a":1}', '{"b":{"c":null},"d":[null]}', '{"a":1,"b":{"c":null},"d":[null]}'],
  ["null when joining is no value", '{"a":null,"name":null,"user_agent":null}', "{}", "{}"],
  ["an empty status changes nothing, and is answered", '{"a":1}', "{}", '{"a":1}'],
  ["name and user agent can be removed", '{"name":"a","user_agent":"b"}', '{"name":null,"user_agent":null}', "{}"],
  [
    "names reach the peers as typed",
    "{}",
    '{"name":" \u00c4\u{1f600} <b>&amp; "}',
    '{"name":" \u00c4\u{1f600} <b>&amp; "}',
  ],
  ["any user agent will do", "{}", '{"user_agent":"safari 99"}', '{"user_agent":"safari 99"}'],
  ["__proto__ is a key as any other", '{"__proto__":{"a":1}}', '{"b":1}', '{"__proto__":{"a":1},"b":1}'],
  ["__proto__ can be removed", '{"__proto__":1,"constructor":2}', '{"__proto__":null}', '{"constructor":2}'],
  ["__proto__ lends nothing", "{}", '{"__proto__":{"name":""}}', '{"__proto__":{"name":""}}'],
  [
    "toJSON is a key as any other",
    "{}",
    '{"toJSON":1,"valueOf":2,"hasOwnProperty":3}',
    '{"toJSON":1,"valueOf":2,"hasOwnProperty":3}',
  ],
  ["the last of two equal keys counts", "{}", '{"a":1,"a":2}', '{"a":2}'],
  ["the empty key", "{}", '{"":{"":[]}}', '{"":{"":[]}}'],
  ["a lone surrogate", "{}", '{"a":"\\ud800"}', '{"a":"\\ud800"}'],
]

for (const [what, before, change, after] of MERGES) {
  test(what, async () => {
    const room = crypto.randomUUID()
    await using witness = await TestClient.connect(node.url)
    await witness.join(room)
    await using client = await TestClient.connect(node.url)
    client.send(`{"event":"join_room","room_id":"${room}","status":${before}}`)
    const peer = (await client.next("joined_room"))["own_id"] as string
    await witness.next("new_peer")
    client.send(`{"event":"update_status","status":${change}}`)
    for (const each of [client, witness]) {
      const shown = await each.next()
      expect([shown.event, shown["sender_id"], Object.keys(shown)]).toEqual([
        "peer_updated_status",
        peer,
        ["event", "sender_id", "status"],
      ])
      expect(JSON.stringify(shown["status"])).toBe(after)
      expect(await each.drain()).toEqual([])
    }
    await using late = await TestClient.connect(node.url)
    const [, member] = (await late.join(room))["peers"] as { status: unknown }[]
    expect(JSON.stringify(member?.status)).toBe(after)
  })
}

test("a status of null when joining is none at all", async () => {
  const room = crypto.randomUUID()
  await using witness = await TestClient.connect(node.url)
  await witness.join(room)
  await using client = await TestClient.connect(node.url)
  client.send(`{"event":"join_room","room_id":"${room}","status":null}`)
  const { own_id: peer, ...joined } = await client.next()
  expect(joined).toEqual({ event: "joined_room", peers: [{ peer_id: witness.ownId, status: {} }] })
  expect(await witness.next()).toEqual({ event: "new_peer", peer_id: peer, status: {} })
  client.send({ event: "update_status", status: { a: 1 } })
  expect(await client.next()).toEqual({ event: "peer_updated_status", sender_id: peer, status: { a: 1 } })
})

test("4 KiB is the limit of the whole, not of the change", async () => {
  await using client = await TestClient.connect(node.url)
  await client.join(crypto.randomUUID())
  // {"a":"..."} has eight characters around its text.
  const exactly = { a: "x".repeat(4096 - 8) }
  client.send({ event: "update_status", status: exactly })
  expect((await client.next())["status"]).toEqual(exactly)
  client.send({ event: "update_status", status: { b: 1 } })
  expect((await client.next())["id"]).toBe("invalid_status")
  client.send({ event: "update_status", status: { a: null, b: 1 } })
  expect((await client.next())["status"]).toEqual({ b: 1 })
})

test("a status ends with the membership", async () => {
  await using client = await TestClient.connect(node.url)
  await client.join("first", { name: "old", topic: "x" })
  client.send({ event: "leave_room" })
  await client.join("second", { name: "new" })
  client.send({ event: "update_status", status: {} })
  expect((await client.next())["status"]).toEqual({ name: "new" })
})
