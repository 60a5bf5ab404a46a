// What holds for all dialects alike, by the compiled executable: each can be the only one that is spoken, origins, pings,
// statistics and metrics. What is its own, each has in tests of its own.

import { describe, expect, test } from "bun:test"
import { startNode, type TestNode } from "../helpers/node.ts"
import { handshake, RawSocket, textFrame } from "../helpers/raw-socket.ts"
import { poll } from "../helpers/redis.ts"
import { TextClient } from "./text-client.ts"

/** How a client of a dialect enters a room, or takes an id. */
interface Entry {
  readonly name: string
  /** The path of its WebSocket; `id` is the client's where it has one of its own. */
  readonly path: (id: string) => string
  /** What it says then. */
  readonly words: readonly string[]
  /** What is in the answer, and in nothing of palava's. */
  readonly answer: string
  /** A path it answers by HTTP. */
  readonly http: string | undefined
  /** The message that is counted, where entering takes one. */
  readonly counted: string | undefined
  /** Members at most of each room, once two clients have been there. */
  readonly peaks: Readonly<Record<string, number>>
}

const ENTRIES: readonly Entry[] = [
  {
    name: "peerjs",
    path: (id) => `peerjs?key=peerjs&token=secret&id=${id}`,
    words: [],
    answer: '{"type":"OPEN"}',
    http: "peerjs/id",
    counted: undefined,
    peaks: { 1: 2 },
  },
  {
    name: "simplewebrtc",
    path: () => "socket.io/?EIO=3&transport=websocket",
    words: ['420["join","room"]'],
    answer: "430[null,",
    http: "socket.io/?EIO=3&transport=polling",
    counted: "join",
    peaks: { 2: 1 },
  },
  {
    name: "togetherjs",
    path: () => "hub/room",
    words: [],
    answer: '{"type":"init-connection"',
    http: "status",
    counted: undefined,
    peaks: { 2: 1 },
  },
  {
    name: "webrtc-io",
    path: () => "",
    words: ['{"eventName":"join_room","data":{"room":"room"}}'],
    answer: '"eventName":"get_peers"',
    http: undefined,
    counted: "join_room",
    peaks: { 2: 1 },
  },
  {
    name: "y-webrtc",
    path: () => "any/path",
    words: ['{"type":"subscribe","topics":["room"]}', '{"type":"publish","topic":"room","data":1}'],
    answer: '"type":"publish"',
    http: undefined,
    counted: "subscribe",
    peaks: { 2: 1 },
  },
]

async function enter(node: TestNode, { path, words, answer }: Entry, id: string): Promise<TextClient> {
  const client = await TextClient.connect(node.url + path(id))
  for (const word of words) client.send(word)
  await client.upTo((text) => text.includes(answer), answer)
  return client
}

/** The answer to a handshake. */
async function statusOf(node: TestNode, path: string, headers: Record<string, string>): Promise<number> {
  using raw = await RawSocket.connect(node.port, handshake(headers, `/${path}`))
  await raw.waitUntil(() => raw.head !== "", "an answer")
  return Number(raw.head.split(" ")[1])
}

describe.each(ENTRIES)("$name", (entry) => {
  test("may be the only one beside palava", async () => {
    // Without the page, to which paths of one word belong: they are rooms there.
    await using node = await startNode(["--dialect", entry.name, "--no-page"])
    await (await enter(node, entry, "ada")).close()
    for (const other of ENTRIES) {
      if (other.http !== undefined) {
        const { status } = await fetch(node.httpUrl + other.http)
        expect([other.name, status]).toEqual([other.name, other === entry ? 200 : 404])
      }
      if (other === entry) continue
      await using client = await TextClient.connect(node.url + other.path("ben"))
      client.send({ event: "ping" })
      for (const word of other.words) client.send(word)
      client.send({ event: "ping" })
      const isPong = (text: string) => text === '{"event":"pong"}'
      const heard = [...(await client.upTo(isPong)), ...(await client.upTo(isPong))]
      expect(heard.filter((text) => text.includes(other.answer))).toEqual([])
    }
    const names = await (await fetch(`${node.adminUrl}metrics`)).text()
    for (const { name } of ENTRIES) {
      if (name !== entry.name) expect(names).not.toContain(`dialect="${name}"`)
    }
  })

  test("pages of other origins are refused where some are given", async () => {
    await using node = await startNode(["--origin", "https://good.example"])
    const path = entry.path("ada")
    expect(await statusOf(node, path, { Origin: "https://good.example" })).toBe(101)
    expect(await statusOf(node, path, { Origin: "https://bad.example" })).toBe(403)
    // No client of its asks for a sub-protocol, and none is chosen for one that does.
    using raw = await RawSocket.connect(
      node.port,
      handshake({ Origin: "https://good.example", "Sec-WebSocket-Protocol": "other" }, `/${entry.path("ben")}`),
    )
    await raw.waitUntil(() => raw.head !== "", "an answer")
    expect(raw.head.toLowerCase()).not.toContain("sec-websocket-protocol")
  })

  test("a frame over its limit parts its sender alone, whatever other dialects may send", async () => {
    await using node = await startNode(["--max-frame-bytes", "4096"])
    const limit = entry.name === "togetherjs" ? 1_048_576 : 4_096
    const [ada, ben] = [await enter(node, entry, "ada"), await enter(node, entry, "ben")]
    ada.send("x".repeat(limit + 1))
    expect((await ada.closed).code).toBe(1009)
    await poll(async () => (await node.metric("palava_connections")) === 1)
    await ben.close()
  })

  test("two who were in a room are counted, by the dialect's name", async () => {
    await using node = await startNode()
    const [ada, ben] = [await enter(node, entry, "ada"), await enter(node, entry, "ben")]
    if (entry.counted !== undefined) {
      const labels = `dialect="${entry.name}",event="${entry.counted}"`
      expect(await node.metric("palava_messages_total", labels)).toBe(2)
    }
    for (const client of [ada, ben]) await client.close()
    const rooms: Record<string, number> = {}
    const minutes: Record<string, number> = {}
    await poll(async () => (await node.metric("palava_rooms")) === 0)
    const { hours } = (await (await fetch(`${node.adminUrl}stats`)).json()) as {
      hours: { rooms: Record<string, number>; minutes: Record<string, number> }[]
    }
    for (const hour of hours) {
      for (const [peak, count] of Object.entries(hour.rooms)) rooms[peak] = (rooms[peak] ?? 0) + count
      for (const [minute, count] of Object.entries(hour.minutes)) minutes[minute] = (minutes[minute] ?? 0) + count
    }
    expect({ rooms, minutes }).toEqual({ rooms: entry.peaks, minutes: { 0: 2 } })
    expect(node.complaints()).toBe("")
  })
})

test("whoever answers no pings is gone, in every dialect", async () => {
  await using node = await startNode(["--ping-seconds", "5", "--dead-seconds", "10"])
  const silent = await Promise.all(
    ENTRIES.map(async ({ path, words }) => {
      const raw = await RawSocket.open(node.port, {}, `/${path("ada")}`)
      for (const word of words) raw.write(textFrame(word))
      return raw
    }),
  )
  await poll(async () => (await node.metric("palava_rooms")) === ENTRIES.length)
  expect(await Promise.all(silent.map(({ closed }) => closed))).toEqual(ENTRIES.map(() => 4008))
  await poll(async () => (await node.metric("palava_rooms")) + (await node.metric("palava_connections")) === 0)
}, 60_000)
