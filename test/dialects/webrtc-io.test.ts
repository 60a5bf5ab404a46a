// The webrtc.io dialect by the compiled executable, on one node and over two.

import { describe, expect, test } from "bun:test"
import { startNode } from "../helpers/node.ts"
import { poll, startRedis } from "../helpers/redis.ts"
import { overNodes, sumOf } from "./over-nodes.ts"
import { TextClient } from "./text-client.ts"

const event = (eventName: string, data: unknown) => ({ eventName, data })

/** A member of a room, with its own id and those of the others there. */
interface Member {
  readonly client: TextClient
  readonly id: string
  readonly others: readonly string[]
}

async function join(url: string, room: string): Promise<Member> {
  const client = await TextClient.connect(url)
  return { client, ...(await joinAs(client, room)) }
}

async function joinAs(client: TextClient, room: string): Promise<{ id: string; others: readonly string[] }> {
  client.send(event("join_room", { room }))
  const texts = await client.upTo((text) => text.startsWith('{"eventName":"get_peers"'))
  const { data } = JSON.parse(texts.at(-1) ?? "") as { data: { you: string; connections: string[] } }
  return { id: data.you, others: data.connections }
}

/** What came before the answer to a second wish to join. */
async function heardBy(client: TextClient, room: string): Promise<unknown[]> {
  client.send(event("join_room", { room }))
  const texts = await client.upTo((text) => text.startsWith('{"eventName":"get_peers"'))
  return texts.slice(0, -1).map((text) => JSON.parse(text))
}

overNodes([], (nodes, count) => {
  const makeRoom = () => `room-${crypto.randomUUID()}`

  test("a call: joining, offer, answer, candidates, chat, leaving", async () => {
    const room = makeRoom()
    const ada = await join(nodes.at(0).url, room)
    expect(ada.others).toEqual([])
    const ben = await join(nodes.at(1).url, room)
    expect(ben.others).toEqual([ada.id])
    expect(await ada.client.nextJson()).toEqual(event("new_peer_connected", { socketId: ben.id }))
    const sdp = { type: "offer", sdp: "v=0\r\nö🙂" }
    ben.client.send(event("send_offer", { socketId: ada.id, sdp }))
    ben.client.send(event("send_ice_candidate", { label: 0, candidate: "candidate:1", socketId: ada.id }))
    ben.client.send(event("send_ice_candidate", { candidate: "candidate:2", socketId: ada.id }))
    const from = { socketId: ben.id }
    expect(await ada.client.nextJson()).toEqual(event("receive_offer", { sdp, ...from }))
    const [first, second] = [
      { label: 0, candidate: "candidate:1", ...from },
      { candidate: "candidate:2", ...from },
    ]
    expect(await ada.client.nextJson()).toEqual(event("receive_ice_candidate", first))
    expect(await ada.client.nextJson()).toEqual(event("receive_ice_candidate", second))
    ada.client.send(event("send_answer", { socketId: ben.id, sdp: { ...sdp, type: "answer" } }))
    const answer = { sdp: { ...sdp, type: "answer" }, socketId: ada.id }
    expect(await ben.client.nextJson()).toEqual(event("receive_answer", answer))
    ada.client.send(event("chat_msg", { messages: "hello", room, color: "#abc" }))
    expect(await ben.client.nextJson()).toEqual(event("receive_chat_msg", { messages: "hello", color: "#abc" }))
    expect(await heardBy(ada.client, room)).toEqual([])
    await ben.client.close()
    expect(await ada.client.nextJson()).toEqual(event("remove_peer_connected", { socketId: ben.id }))
    const cem = await join(nodes.at(0).url, room)
    expect(cem.others).toEqual([ada.id])
    for (const { client } of [ada, cem]) await client.close()
  })

  test("of many, all hear of all others, oldest first", async () => {
    const room = makeRoom()
    const members: Member[] = []
    for (let at = 0; at < 6; at++) members.push(await join(nodes.at(at).url, room))
    const ids = members.map(({ id }) => id)
    for (const [at, { client, others }] of members.entries()) {
      expect(others).toEqual(ids.slice(0, at))
      for (const socketId of ids.slice(at + 1)) {
        expect(await client.nextJson()).toEqual(event("new_peer_connected", { socketId }))
      }
    }
    for (const { client } of members) await client.close()
  })

  test("nothing crosses rooms, and nobody speaks as another", async () => {
    const [one, two] = [makeRoom(), makeRoom()]
    const ada = await join(nodes.at(0).url, one)
    const ben = await join(nodes.at(1).url, one)
    const out = await join(nodes.at(1).url, two)
    await ada.client.next()
    out.client.send(event("send_offer", { socketId: ada.id, sdp: "stranger" }))
    out.client.send(event("chat_msg", { room: one, messages: "stranger" }))
    expect(await heardBy(out.client, two)).toEqual([])
    expect(await heardBy(ada.client, one)).toEqual([])
    ben.client.send(
      `{"eventName":"send_offer","data":{"socketId":"${ada.id}","sdp":1,"from":"${out.id}","__proto__":{"socketId":"x"}}}`,
    )
    expect(await ada.client.nextJson()).toEqual(event("receive_offer", { sdp: 1, socketId: ben.id }))
    for (const { client } of [ada, ben, out]) await client.close()
  })

  test("a second room is added, with the same id; the empty name and odd ones are rooms", async () => {
    const [one, two] = [makeRoom(), "__proto__"]
    const both = await join(nodes.at(0).url, one)
    expect(await joinAs(both.client, two)).toEqual({ id: both.id, others: [] })
    const [ada, ben] = [await join(nodes.at(1).url, one), await join(nodes.at(1).url, two)]
    expect([ada.others, ben.others]).toEqual([[both.id], [both.id]])
    both.client.send(event("send_answer", { socketId: ada.id, sdp: 1 }))
    both.client.send(event("send_answer", { socketId: ben.id, sdp: 2 }))
    expect(await ada.client.nextJson()).toEqual(event("receive_answer", { sdp: 1, socketId: both.id }))
    expect(await ben.client.nextJson()).toEqual(event("receive_answer", { sdp: 2, socketId: both.id }))
    await both.client.close()
    for (const { client } of [ada, ben]) {
      expect(await client.nextJson()).toEqual(event("remove_peer_connected", { socketId: both.id }))
      await client.close()
    }
    const empty = await join(nodes.at(0).url, "")
    const other = await TextClient.connect(nodes.at(1).url)
    other.send('{"eventName":"join_room","data":{}}')
    expect(await other.nextJson()).toMatchObject({ eventName: "get_peers", data: { connections: [empty.id] } })
    for (const client of [empty.client, other]) await client.close()
  })

  test("10,000 bad frames harm nobody, and leave nothing behind", async () => {
    const room = makeRoom()
    const [ada, ben] = [await join(nodes.at(0).url, room), await join(nodes.at(1).url, room)]
    await ada.client.next()
    const bad = badFrames(ada.id)
    const clients = await Promise.all(Array.from({ length: 10 }, (_, at) => join(nodes.at(at).url, `bad ${at}`)))
    for (let number = 0; number < 1000; number++) {
      for (const { client } of clients) client.send(bad[number % bad.length] as string)
      if (number % 10 === 0) ben.client.send(event("send_offer", { socketId: ada.id, sdp: number }))
    }
    for (let number = 0; number < 1000; number += 10) {
      expect(await ada.client.nextJson()).toEqual(event("receive_offer", { sdp: number, socketId: ben.id }))
    }
    for (const [at, { client }] of clients.entries()) {
      expect(await heardBy(client, `bad ${at}`)).toEqual([])
      await client.close()
    }
    expect(await heardBy(ben.client, room)).toEqual([])
    for (const { client } of [ada, ben]) await client.close()
    await poll(async () => (await sumOf(nodes, "palava_rooms")) === 0)
    await poll(async () => (await sumOf(nodes, "palava_connections")) === 0)
    for (const node of nodes.all) expect(node.complaints()).toBe("")
  })

  if (count === 2) {
    test("a node that is killed: its peers leave", async () => {
      await using redis = await startRedis()
      const args = ["--redis", redis.url, "--lease-seconds", "2"]
      await using stays = await startNode(args)
      await using dies = await startNode(args)
      const [ada, ben] = [await join(stays.url, "room"), await join(dies.url, "room")]
      await ada.client.next()
      dies.kill("SIGKILL")
      await dies.exited
      expect(await ada.client.nextJson()).toEqual(event("remove_peer_connected", { socketId: ben.id }))
      expect((await join(stays.url, "room")).others).toEqual([ada.id])
    })
  }
})

describe("limits", () => {
  test("a connection is in 16 rooms at most; a room has a size", async () => {
    await using node = await startNode(["--room-size", "2"])
    const ada = await join(node.url, "0")
    for (let number = 1; number < 20; number++) ada.client.send(event("join_room", { room: String(number) }))
    ada.client.send(event("join_room", { room: "x".repeat(1001) }))
    await heardBy(ada.client, "0")
    await poll(async () => (await node.metric("palava_errors_total", 'id="invalid_message"')) === 1)
    expect(await node.metric("palava_rooms")).toBe(16)
    expect(await node.metric("palava_errors_total", 'dialect="webrtc-io",id="too_many_rooms"')).toBe(4)
    await join(node.url, "1")
    await using late = await TextClient.connect(node.url)
    late.send(event("join_room", { room: "1" }))
    await poll(async () => (await node.metric("palava_errors_total", 'dialect="webrtc-io",id="full"')) === 1)
    expect(late.all).toEqual([])
    expect(await node.metric("palava_messages_total", 'dialect="webrtc-io",event="join_room"')).toBe(24)
  })

  test("palava's event wins over eventName; --dialect palava: it is not spoken", async () => {
    await using node = await startNode()
    await using both = await TextClient.connect(node.url)
    both.send({ event: "ping", eventName: "join_room", data: {} })
    expect(await both.next()).toBe('{"event":"pong"}')
    await using other = await startNode(["--dialect", "palava"])
    await using client = await TextClient.connect(other.url)
    client.send(event("join_room", { room: "" }))
    expect(await client.nextJson()).toMatchObject({ event: "error", id: "no_event" })
  })
})

/** Frames that ask for nothing that can be had. */
function badFrames(stranger: string): string[] {
  const values = [null, true, 7, "text", [], [[]], {}, { __proto__: 1 }, "__proto__", stranger, -1e308]
  const names = ["send_offer", "send_answer", "send_ice_candidate", "chat_msg"]
  return [
    ...["", " ", "{", "nonsense", '"', "null", "[]", "7", "{}", '{"eventName":', "\u0000"],
    ...values.map((eventName) => JSON.stringify({ eventName, data: { room: "x" } })),
    ...values.map((room) => JSON.stringify(event("join_room", typeof room === "string" ? room : { room: [room] }))),
    ...names.flatMap((name) => values.map((value) => JSON.stringify(event(name, value)))),
    ...names.flatMap((name) => values.map((value) => JSON.stringify(event(name, { socketId: value, room: value })))),
    '{"eventName":"toString","data":{}}',
    '{"eventName":"send_offer","data":{"socketId":"a","socketId":7}}',
    `{"eventName":"send_offer","data":{"socketId":"a","sdp":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`,
  ]
}
