// The y-webrtc dialect by the compiled executable, on one node and over two.

import { describe, expect, test } from "bun:test"
import { startNode } from "../helpers/node.ts"
import { poll, startRedis } from "../helpers/redis.ts"
import { overNodes, sumOf } from "./over-nodes.ts"
import { TextClient } from "./text-client.ts"

const announce = (topic: string, from: string) => ({ type: "publish", topic, data: { type: "announce", from } })

/** Connects, subscribes, and waits until the server has it. */
async function subscribe(url: string, ...topics: string[]): Promise<TextClient> {
  const client = await TextClient.connect(url)
  client.send({ type: "subscribe", topics })
  await answers(client)
  return client
}

/** What came before the answer to a ping sent now. */
async function answers(client: TextClient): Promise<string[]> {
  client.send({ type: "ping" })
  return (await client.upTo((text) => text === '{"type":"pong"}')).slice(0, -1)
}

/** Waits until all see as many subscribers: over nodes a subscription is seen elsewhere a moment later. */
async function agree(clients: readonly TextClient[], topic: string, count = clients.length): Promise<void> {
  for (const client of clients) {
    await poll(async () => {
      const probe = crypto.randomUUID()
      client.send({ type: "publish", topic, data: probe })
      const heard = await Promise.all(clients.map((one) => one.upTo((text) => text.includes(probe), "the probe")))
      return JSON.parse(heard[0]?.at(-1) ?? "").clients === count
    })
  }
}

overNodes([], (nodes, count) => {
  const topic = () => `topic-${crypto.randomUUID()}`

  test("a publish reaches all subscribers, the sender too, with their number", async () => {
    const room = topic()
    await using ada = await subscribe(nodes.at(0).url, room)
    await using ben = await subscribe(nodes.at(1).url, room)
    await using out = await subscribe(nodes.at(1).url, topic())
    await agree([ada, ben], room)
    ada.send(announce(room, "ada"))
    const expected = { ...announce(room, "ada"), clients: 2 }
    expect(await ada.nextJson()).toEqual(expected)
    expect(await ben.nextJson()).toEqual(expected)
    expect(await answers(out)).toEqual([])
  })

  test("several topics a connection, each for itself, and unsubscribing from one", async () => {
    const [one, two] = [topic(), topic()]
    await using both = await subscribe(nodes.at(0).url, one, two)
    await using other = await subscribe(nodes.at(1).url, two)
    await agree([both, other], two)
    both.send({ type: "unsubscribe", topics: [two] })
    expect(await answers(both)).toEqual([])
    await agree([other], two, 1)
    other.send(announce(two, "other"))
    expect(await other.nextJson()).toEqual({ ...announce(two, "other"), clients: 1 })
    expect(await answers(both)).toEqual([])
    both.send(announce(one, "both"))
    expect(await both.nextJson()).toEqual({ ...announce(one, "both"), clients: 1 })
  })

  test("publishing needs no subscription, and makes no subscriber", async () => {
    const room = topic()
    await using hearing = await subscribe(nodes.at(0).url, room)
    await using telling = await TextClient.connect(nodes.at(1).url)
    telling.send({ type: "publish", topic: room, data: "first" })
    expect(await hearing.nextJson()).toEqual({ type: "publish", topic: room, data: "first", clients: 1 })
    telling.send({ type: "publish", topic: room, data: "second" })
    expect(await hearing.nextJson()).toEqual({ type: "publish", topic: room, data: "second", clients: 1 })
    expect(await answers(telling)).toEqual([])
    telling.send({ type: "subscribe", topics: [room] })
    expect(await answers(telling)).toEqual([])
    await agree([hearing, telling], room)
    telling.send({ type: "publish", topic: room, data: "third" })
    const third = { type: "publish", topic: room, data: "third", clients: 2 }
    expect([await hearing.nextJson(), await telling.nextJson()]).toEqual([third, third])
  })

  test("all see the publishes of a topic in one order, each sender's in its own", async () => {
    const room = topic()
    const clients = await Promise.all([0, 1, 2, 3].map((at) => subscribe(nodes.at(at).url, room)))
    await agree(clients, room)
    const each = 50
    for (let number = 0; number < each; number++) {
      for (const [at, client] of clients.entries())
        client.send({ type: "publish", topic: room, data: `${at} ${number}` })
    }
    const heard = await Promise.all(
      clients.map(async (client) => {
        const data: string[] = []
        while (data.length < each * clients.length) data.push(((await client.nextJson()) as { data: string }).data)
        return data
      }),
    )
    for (const one of heard) expect(one).toEqual(heard[0] as string[])
    for (const at of clients.keys()) {
      const own = (heard[0] ?? []).filter((data) => data.startsWith(`${at} `))
      expect(own).toEqual(Array.from({ length: each }, (_, number) => `${at} ${number}`))
    }
    for (const client of clients) await client.close()
  })

  test("what is published passes unread: big numbers, keys that come twice, escapes, spaces", async () => {
    const room = topic()
    await using ada = await subscribe(nodes.at(0).url, room)
    await using ben = await subscribe(nodes.at(1).url, room)
    await agree([ada, ben], room)
    const inner = `"data" : {"a":1e400,"a":12345678901234567890, "\\u0062": "\\ud83d\\ude42 \u2028","__proto__":{"x":1}}`
    ada.send(` {"type":"publish", "clients":99,"topic":${JSON.stringify(room)},${inner} }\n`)
    const expected = ` {"type":"publish", "clients":99,"topic":${JSON.stringify(room)},${inner} ,"clients":2}`
    expect(await ben.next()).toBe(expected)
    expect(await ada.next()).toBe(expected)
    expect(JSON.parse(expected).clients).toBe(2)
  })

  test("a closed connection is no subscriber, any path speaks it, and odd topics are topics", async () => {
    for (const room of ["__proto__", "constructor", "ünï 🙂 code", " "]) {
      await using ada = await subscribe(`${nodes.at(0).url}some/path?x=1`, room)
      const ben = await subscribe(nodes.at(1).url, room)
      await agree([ada, ben], room)
      await ben.close()
      await agree([ada], room, 1)
    }
  })

  test("10,000 bad frames harm nobody, and leave nothing behind", async () => {
    const room = topic()
    await using ada = await subscribe(nodes.at(0).url, room)
    await using ben = await subscribe(nodes.at(1).url, room)
    await agree([ada, ben], room)
    const before = await sumOf(nodes, "palava_rooms")
    const bad = badFrames()
    const clients = await Promise.all(Array.from({ length: 10 }, (_, at) => subscribe(nodes.at(at).url, "bad")))
    for (let number = 0; number < 1000; number++) {
      for (const client of clients) client.send(bad[number % bad.length] as string)
      if (number % 10 === 0) ada.send({ type: "publish", topic: room, data: number })
    }
    for (let number = 0; number < 1000; number += 10) {
      const expected = { type: "publish", topic: room, data: number, clients: 2 }
      expect(await ada.nextJson()).toEqual(expected)
      expect(await ben.nextJson()).toEqual(expected)
    }
    for (const client of clients) expect(await answers(client)).toEqual([])
    for (const client of clients) await client.close()
    await poll(async () => (await sumOf(nodes, "palava_rooms")) === before)
    await poll(async () => (await sumOf(nodes, "palava_connections")) === 2)
    for (const node of nodes.all) expect(node.complaints()).toBe("")
  })

  if (count === 2) {
    test("a node that is killed takes its subscribers with it", async () => {
      await using redis = await startRedis()
      const args = ["--redis", redis.url, "--lease-seconds", "2"]
      await using stays = await startNode(args)
      await using dies = await startNode(args)
      const room = topic()
      await using ada = await subscribe(stays.url, room)
      await using ben = await subscribe(dies.url, room)
      await agree([ada, ben], room)
      dies.kill("SIGKILL")
      await dies.exited
      await agree([ada], room, 1)
    })
  }
})

describe("limits", () => {
  test("--no-y-webrtc-publish-any: who is not subscribed is not heard", async () => {
    await using node = await startNode(["--no-y-webrtc-publish-any"])
    await using ada = await subscribe(node.url, "room")
    await using ben = await subscribe(node.url, "other")
    ben.send({ type: "publish", topic: "room", data: 1 })
    expect(await answers(ben)).toEqual([])
    expect(await answers(ada)).toEqual([])
    expect(await node.metric("palava_errors_total", 'dialect="y-webrtc",id="not_subscribed"')).toBe(1)
  })

  test("a connection has 256 topics at most, of 1,000 characters at most", async () => {
    await using node = await startNode()
    const names = Array.from({ length: 300 }, (_, number) => `topic ${number}`)
    await using ada = await subscribe(node.url, "x".repeat(1001), ...names)
    expect(await node.metric("palava_rooms")).toBe(256)
    expect(await node.metric("palava_errors_total", 'id="too_many_topics"')).toBe(44)
    expect(await node.metric("palava_errors_total", 'id="topic_too_long"')).toBe(1)
    ada.send({ type: "unsubscribe", topics: names })
    expect(await answers(ada)).toEqual([])
    expect(await node.metric("palava_rooms")).toBe(0)
    expect(await node.metric("palava_messages_total", 'dialect="y-webrtc",event="subscribe"')).toBe(1)
  })

  test("--dialect palava: it is not spoken", async () => {
    await using node = await startNode(["--dialect", "palava"])
    await using ada = await TextClient.connect(node.url)
    ada.send({ type: "ping" })
    expect(await ada.nextJson()).toMatchObject({ event: "error", id: "no_event" })
  })

  test("while Redis is away, who wants to subscribe is parted from, and comes back by itself", async () => {
    await using redis = await startRedis()
    await using node = await startNode(["--redis", redis.url, "--redis-wait-seconds", "1"])
    await using ada = await subscribe(node.url, "room")
    await redis.kill()
    ada.send({ type: "publish", topic: "room", data: 1 })
    expect(await ada.closed).toEqual({ code: 1013, reason: "service unavailable, try again" })
    await redis.restart()
    await poll(async () => (await fetch(`${node.httpUrl}readyz`)).ok)
    await using again = await subscribe(node.url, "room")
    again.send({ type: "publish", topic: "room", data: 2 })
    expect(await again.nextJson()).toEqual({ type: "publish", topic: "room", data: 2, clients: 1 })
  })
})

/** Frames that ask for nothing that can be had. */
function badFrames(): string[] {
  const values = [null, true, 7, "text", [], [[]], {}, { __proto__: 1 }, "__proto__", -1e308]
  const types = ["subscribe", "unsubscribe", "publish"]
  return [
    ...[
      "",
      " ",
      "{",
      "}",
      "nonsense",
      '"',
      "null",
      "[]",
      "7",
      "{}",
      '{"type":',
      "\u0000",
      '{"__proto__":{"type":"ping"}}',
    ],
    ...values.map((type) => JSON.stringify({ type, topics: ["x"], topic: "x" })),
    ...types.flatMap((type) => values.map((value) => JSON.stringify({ type, topics: value, topic: {}, data: value }))),
    ...values.map((value) => JSON.stringify({ type: "unsubscribe", topics: [value, "never", value] })),
    '{"type":"publish","topic":"bad","topic":7}',
    '{"type":"publish","topic":"bad","data":1,"type":"nothing"}',
    `{"type":"nothing","data":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
    `{"type":"publish","data":${"[".repeat(20_000)}`,
    JSON.stringify({ type: "publish", topic: "y".repeat(5000), data: 1 }),
  ]
}
