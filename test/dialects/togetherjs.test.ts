// The TogetherJS dialect by the compiled executable, on one node and over two.

import { describe, expect, test } from "bun:test"
import { startNode, type TestNode } from "../helpers/node.ts"
import { handshake, RawSocket } from "../helpers/raw-socket.ts"
import { poll, startRedis } from "../helpers/redis.ts"
import { overNodes, sumOf } from "./over-nodes.ts"
import { TextClient } from "./text-client.ts"

/** Enters a room; the number of others there, as it is told. */
async function enter(node: TestNode, room: string): Promise<{ client: TextClient; others: number }> {
  const client = await TextClient.connect(`${node.url}hub/${room}`)
  const first = (await client.nextJson()) as { type: string; peerCount: number }
  expect(first).toEqual({ type: "init-connection", peerCount: expect.any(Number) })
  return { client, others: first.peerCount }
}

/** Members of a room, who entered one after the other. */
async function meet(nodes: { at(index: number): TestNode }, room: string, count: number): Promise<TextClient[]> {
  const clients: TextClient[] = []
  for (let at = 0; at < count; at++) {
    const { client, others } = await enter(nodes.at(at), room)
    expect(others).toBe(at)
    clients.push(client)
  }
  return clients
}

const echo = (data: unknown) => JSON.stringify({ type: "form-update", "server-echo": true, data })

/** What came before an echo of a text sent now. */
async function heardBy(client: TextClient): Promise<string[]> {
  const sentinel = echo(crypto.randomUUID())
  client.send(sentinel)
  return (await client.upTo((text) => text === sentinel, "its echo")).slice(0, -1)
}

overNodes([], (nodes, count) => {
  const makeRoom = () => `room-${crypto.randomUUID()}`

  test("what is JSON reaches the others byte for byte, and the sender only when it asks", async () => {
    const room = makeRoom()
    const [ada, ben, cem] = (await meet(nodes, room, 3)) as [TextClient, TextClient, TextClient]
    const { client: out } = await enter(nodes.at(1), room.toUpperCase())
    const texts = [
      '{"type":"hello","clientId":"VyvsuCo8Mc.1s1lL7PV1z"}',
      ' { "a" : 1e400, "a":12345678901234567890,\t"b":"\\u00e9\\ud83d\\ude42 \u2028é🙂" }\r\n',
      '{"__proto__":{"server-echo":true},"type":"x"}',
      '{"server-echo":false}',
      '{"server-echo":null}',
      "null",
      "true",
      "[1,2]",
      '"text"',
      "-0",
      '{"server-echo":true,"n":1}',
    ]
    for (const text of texts) ada.send(text)
    for (const text of ["", "{", "nonsense", "{'a':1}", "[1,]", "\ufeff{}", "undefined", "NaN"]) ada.send(text)
    const last = '{"type":"last"}'
    ada.send(last)
    const expected = [...texts, last]
    for (const client of [ben, cem]) expect(await client.upTo((text) => text === last)).toEqual(expected)
    expect(await ada.next()).toBe('{"server-echo":true,"n":1}')
    expect(await heardBy(ada)).toEqual([])
    expect(await heardBy(out)).toEqual([])
    for (const client of [ada, ben, cem, out]) await client.close()
  })

  test("with server-echo all see one and the same order, the senders included", async () => {
    const clients = await meet(nodes, makeRoom(), 4)
    const each = 50
    for (let number = 0; number < each; number++) {
      for (const [at, client] of clients.entries()) client.send(echo(`${at} ${number}`))
    }
    const heard = await Promise.all(
      clients.map(async (client) => {
        const texts: string[] = []
        while (texts.length < each * clients.length) texts.push(await client.next())
        return texts
      }),
    )
    for (const one of heard) expect(one).toEqual(heard[0] as string[])
    for (const at of clients.keys()) {
      const own = (heard[0] ?? []).filter((text) => text.includes(`"${at} `))
      expect(own).toEqual(Array.from({ length: each }, (_, number) => echo(`${at} ${number}`)))
    }
    for (const client of clients) await client.close()
  })

  test("with and without echo mixed, what a sender hears is the others' order without its own", async () => {
    const clients = await meet(nodes, makeRoom(), 3)
    const each = 60
    for (let number = 0; number < each; number++) {
      for (const [at, client] of clients.entries()) {
        const text = `{"from":${at},"number":${number}${number % 3 === 0 ? ',"server-echo":true' : ""}}`
        client.send(text)
      }
    }
    const isEcho = (text: string) => text.includes("server-echo")
    const heard = await Promise.all(
      clients.map(async (client) => {
        const texts: string[] = []
        while (texts.length < 2 * each + each / 3) texts.push(await client.next())
        return texts
      }),
    )
    // Of any two, what both were sent is in the same order.
    for (const [one, other] of [
      [0, 1],
      [1, 2],
      [0, 2],
    ] as const) {
      const both = (texts: string[] = []) =>
        texts.filter((text) => isEcho(text) || ![one, other].some((at) => text.includes(`"from":${at},`)))
      expect(both(heard[one])).toEqual(both(heard[other]))
    }
    for (const [at, client] of clients.entries()) {
      expect((heard[at] ?? []).filter((text) => text.includes(`"from":${at},`) && !isEcho(text))).toEqual([])
      await client.close()
    }
  })

  test("what is said at once after connecting waits for the way in", async () => {
    const room = makeRoom()
    const [ada] = (await meet(nodes, room, 1)) as [TextClient]
    const clients = await Promise.all(
      Array.from({ length: 10 }, async (_, at) => {
        const client = await TextClient.connect(`${nodes.at(at).url}hub/${room}`)
        client.send(`{"hello":${at}}`)
        client.send(`{"again":${at}}`)
        return client
      }),
    )
    const heard = new Set<string>()
    while (heard.size < 20) heard.add(await ada.next())
    for (const client of clients) expect(JSON.parse(client.all[0] ?? "").type).toBe("init-connection")
    for (const client of [ada, ...clients]) await client.close()
  })

  test("a frame of 1 MiB passes; a larger one parts its sender", async () => {
    const [ada, ben] = (await meet(nodes, makeRoom(), 2)) as [TextClient, TextClient]
    const text = JSON.stringify({ avatar: "x".repeat(2 ** 20 - 13) })
    expect(text.length).toBe(2 ** 20)
    ada.send(text)
    expect((await ben.next()) === text).toBe(true)
    expect(await heardBy(ada)).toEqual([])
    await ben.upTo((one) => one.includes("server-echo"))
    ada.send(`${text} `)
    expect((await ada.closed).code).toBe(1009)
    await poll(async () => {
      const { client, others } = await enter(nodes.at(0), "never")
      await client.close()
      return others === 0
    })
    await ben.close()
  })

  test("a storm of reconnects leaves no ghosts", async () => {
    const room = makeRoom()
    for (let round = 0; round < 5; round++) {
      const storm = await Promise.all(Array.from({ length: 10 }, (_, at) => enter(nodes.at(at), room)))
      for (const [at, { client }] of storm.entries()) at % 2 === 0 ? client.terminate() : await client.close()
    }
    await poll(async () => {
      const { client, others } = await enter(nodes.at(0), room)
      await client.close()
      return others === 0
    })
  })

  test("findroom: the emptiest with fewer than max, else a new one", async () => {
    const prefix = `p${crypto.randomUUID().replaceAll("-", "")}`
    const find = async (query: string) => {
      const answer = await fetch(`${nodes.at(0).httpUrl}findroom?${query}`)
      return {
        status: answer.status,
        origin: answer.headers.get("access-control-allow-origin"),
        text: await answer.text(),
      }
    }
    const name = async (max: number) => JSON.parse((await find(`prefix=${prefix}&max=${max}`)).text).name as string
    const first = await name(2)
    expect(first).toMatch(new RegExp(`^${prefix}__[A-Za-z0-9]{10}$`))
    const { client: ada } = await enter(nodes.at(0), first)
    expect(await name(2)).toBe(first)
    const { client: ben } = await enter(nodes.at(1), first)
    // The members at all nodes count.
    await poll(async () => (await name(2)) !== first)
    expect(await name(3)).toBe(first)
    const { client: cem } = await enter(nodes.at(0), `${prefix}__other`)
    expect(await name(3)).toBe(`${prefix}__other`)
    for (const client of [ada, ben, cem]) await client.close()
    for (const query of [
      "",
      "prefix=a",
      "max=3",
      "prefix=a&max=0",
      "prefix=a&max=x",
      "prefix=a_b&max=3",
      "prefix=&max=1",
    ]) {
      expect(await find(query)).toMatchObject({ status: 400, origin: "*" })
    }
  })

  test("10,000 bad frames harm nobody, and leave nothing behind", async () => {
    const [ada, ben] = (await meet(nodes, makeRoom(), 2)) as [TextClient, TextClient]
    const before = await sumOf(nodes, "palava_rooms")
    const clients = await meet(nodes, makeRoom(), 10)
    const bad = ["", " ", "{", "nonsense", '"', "\u0000", "{]", "'", '{"server-echo":true', "[".repeat(20_000)]
    const good = [7, null, [], {}, "x", { "server-echo": {} }].map((value) => JSON.stringify(value))
    const heardBefore = await sumOf(nodes, "palava_errors_total")
    for (let number = 0; number < 1000; number++) {
      const [texts, turn] = number % 50 === 0 ? [good, number / 50] : [bad, number]
      for (const client of clients) client.send(texts[turn % texts.length] as string)
      if (number % 10 === 0) ada.send(echo(number))
    }
    for (let number = 0; number < 1000; number += 10) {
      expect(await ada.next()).toBe(echo(number))
      expect(await ben.next()).toBe(echo(number))
    }
    for (const client of clients) await heardBy(client)
    expect(await sumOf(nodes, "palava_errors_total")).toBe(heardBefore + 9_800)
    for (const client of clients) await client.close()
    await poll(async () => (await sumOf(nodes, "palava_rooms")) === before)
    for (const client of [ada, ben]) await client.close()
    await poll(async () => (await sumOf(nodes, "palava_rooms")) === 0)
    await poll(async () => (await sumOf(nodes, "palava_connections")) === 0)
    for (const node of nodes.all) expect(node.complaints()).toBe("")
  })

  if (count === 2) {
    test("Redis comes back empty: the session goes on in one order, and peerCount is right", async () => {
      await using redis = await startRedis()
      await using first = await startNode(["--redis", redis.url, "--redis-wait-seconds", "1"])
      await using second = await startNode(["--redis", redis.url, "--redis-wait-seconds", "1"])
      const both = { all: [first, second], at: (index: number) => (index % 2 === 0 ? first : second) }
      const [ada, ben] = (await meet(both, "room", 2)) as [TextClient, TextClient]
      const keys = (await redis.cli("KEYS", "*:room:*")).split("\n")
      const key = keys.find((one) => /:room:[0-9a-f]+$/.test(one)) ?? ""
      await redis.restart({ keepData: false })
      for (const { httpUrl } of both.all) await poll(async () => (await fetch(`${httpUrl}readyz`)).ok)
      await poll(async () => (await redis.cli("HLEN", key)).trim() === "2")
      for (let number = 0; number < 50; number++) for (const client of [ada, ben]) client.send(echo(number))
      const heard: string[][] = []
      for (const client of [ada, ben]) {
        const texts: string[] = []
        while (texts.length < 100) texts.push(await client.next())
        heard.push(texts)
      }
      expect(heard[0]).toEqual(heard[1] as string[])
      const { client: cem, others } = await enter(first, "room")
      expect(others).toBe(2)
      for (const client of [ada, ben, cem]) await client.close()
    })

    test("a node that is killed takes its members with it: peerCount has no ghosts", async () => {
      await using redis = await startRedis()
      const args = ["--redis", redis.url, "--lease-seconds", "2"]
      await using stays = await startNode(args)
      await using dies = await startNode(args)
      const room = makeRoom()
      const { client: ada } = await enter(stays, room)
      const { others } = await enter(dies, room)
      expect(others).toBe(1)
      dies.kill("SIGKILL")
      await dies.exited
      await poll(async () => {
        const { client, others } = await enter(stays, room)
        await client.close()
        return others === 1
      })
      await ada.close()
      await poll(async () => {
        const { client, others } = await enter(stays, room)
        await client.close()
        return others === 0
      })
    })
  }
})

describe("on one node", () => {
  test("rooms are under /hub/ alone; without a name it is 404", async () => {
    await using node = await startNode()
    for (const [path, status] of [
      ["/hub/", 404],
      ["/hub///", 404],
      [`/hub/${"x".repeat(1001)}`, 414],
    ] as const) {
      using raw = await RawSocket.connect(node.port, handshake({}, path))
      await raw.waitUntil(() => raw.head !== "", "the answer")
      expect(raw.head).toStartWith(`HTTP/1.1 ${status} `)
    }
    await using palava = await TextClient.connect(`${node.url}hubs/room`)
    palava.send({ event: "ping" })
    expect(await palava.next()).toBe('{"event":"pong"}')
    // Slashes are passed over, nothing is decoded.
    const { client } = await enter(node, "a%20b")
    for (const path of ["/a%20b", "a/%20b/"]) {
      const { client: other, others } = await enter(node, path)
      expect(others).toBe(1)
      await other.close()
      await poll(async () => (await node.metric("palava_connections")) === 2)
    }
    expect((await enter(node, "a%2520b")).others).toBe(0)
    await client.close()
  })

  test("load, status and the like, for pages of any origin", async () => {
    await using node = await startNode()
    const get = async (path: string, method = "GET") => {
      const answer = await fetch(`${node.httpUrl}${path}`, { method })
      expect(answer.headers.get("access-control-allow-origin")).toBe("*")
      return [answer.status, await answer.text()]
    }
    expect(await get("status")).toEqual([200, "OK"])
    expect(await get("load")).toEqual([200, "OK 0 connections 0 sessions; 0 are single-user and 0 active sessions"])
    const { client } = await enter(node, "one")
    await meet({ at: () => node }, "two", 2)
    expect(await get("load")).toEqual([200, "OK 3 connections 2 sessions; 1 are single-user and 1 active sessions"])
    expect(await get("findroom", "OPTIONS")).toEqual([200, ""])
    expect((await get("server-source"))[0]).toBe(200)
    expect((await get("status", "POST"))[0]).toBe(405)
    await client.close()
    await poll(
      async () => (await get("load"))[1] === "OK 2 connections 1 sessions; 0 are single-user and 1 active sessions",
    )
    // HTTP/1.0 has no Host, and still gets an answer.
    for (const [path, status] of [
      ["/healthz", 200],
      ["/status", 200],
      ["/nothing", 404],
    ] as const) {
      using raw = await RawSocket.connect(node.port, `GET ${path} HTTP/1.0\r\n\r\n`)
      await raw.waitUntil(() => raw.head !== "", "the answer")
      expect(raw.head).toContain(` ${status} `)
    }
    expect(node.complaints()).toBe("")
  })

  test("a room that is full parts who comes, until somebody leaves", async () => {
    await using node = await startNode(["--room-size", "2"])
    const [ada] = (await meet({ at: () => node }, "small", 2)) as [TextClient]
    const late = await TextClient.connect(`${node.url}hub/small`)
    expect(await late.closed).toEqual({ code: 1013, reason: "room is full, try again later" })
    expect(late.all).toEqual([])
    await ada.close()
    await poll(async () => (await node.metric("palava_connections")) === 1)
    expect((await enter(node, "small")).others).toBe(1)
  })

  test("--dialect palava: there is no hub", async () => {
    await using node = await startNode(["--dialect", "palava"])
    await using ada = await TextClient.connect(`${node.url}hub/room`)
    ada.send({ event: "ping" })
    expect(await ada.next()).toBe('{"event":"pong"}')
    expect((await fetch(`${node.httpUrl}load`)).status).toBe(404)
  })
})
