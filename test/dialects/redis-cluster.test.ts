// Dialects over a Redis Cluster of three masters: rooms lie in many partitions, so what two nodes say to each other goes
// by way of all masters. Joins, relays, one order, and what is left of a node that is killed.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { startNode, type TestNode } from "../helpers/node.ts"
import { poll, type RedisClusterServers, startCluster } from "../helpers/redis.ts"
import { EngineClient } from "./engine-client.ts"
import { offer, openPeer } from "./peerjs-client.ts"
import { TextClient } from "./text-client.ts"

/** 24 rooms or ids: that all lie at one of three masters happens once in 3^23 runs. */
const COUNT = 24

let cluster: RedisClusterServers
let stays: TestNode
let other: TestNode
let args: string[]

beforeAll(async () => {
  cluster = await startCluster()
  args = [...cluster.urls.flatMap((url) => ["--redis-cluster", url]), "--lease-seconds", "2"]
  const nodes = await Promise.all([startNode(args), startNode(args)])
  ;[stays, other] = nodes
}, 60_000)

afterAll(async () => {
  await Promise.all([stays, other].map((node) => node[Symbol.asyncDispose]()))
  await cluster[Symbol.asyncDispose]()
})

const count = (make: (at: number) => Promise<TextClient>) =>
  Promise.all(Array.from({ length: COUNT }, (_, at) => make(at)))

/** Which masters keep rooms now. */
async function mastersInUse(): Promise<number> {
  const keys = await Promise.all(cluster.masters.map(({ cli }) => cli("KEYS", "*:room:*")))
  return keys.filter((list) => list.trim() !== "").length
}

test("PeerJS: calls both ways, a takeover from the other node, and ids of a dead node", async () => {
  await using dies = await startNode(args)
  const here = await count((at) => openPeer(stays.url, `a${at}`))
  const there = await count((at) => openPeer(other.url, `b${at}`, "secret"))
  const dead = await count((at) => openPeer(dies.url, `c${at}`))
  expect(await mastersInUse()).toBe(3)
  for (const [at, client] of here.entries()) client.send(offer(`b${at}`, 1))
  for (const [at, client] of there.entries()) {
    expect(await client.nextJson()).toEqual({ ...offer(`b${at}`, 1), src: `a${at}` })
    client.send(offer(`a${at}`, 2))
  }
  for (const [at, client] of here.entries()) {
    expect(await client.nextJson()).toEqual({ ...offer(`a${at}`, 2), src: `b${at}` })
  }
  const again = await count((at) => openPeer(stays.url, `b${at}`, "secret"))
  for (const client of there) expect((await client.closed).code).toBe(4509)
  for (const [at, client] of here.entries()) client.send(offer(`b${at}`, 3))
  for (const [at, client] of again.entries()) {
    expect(await client.nextJson()).toEqual({ ...offer(`b${at}`, 3), src: `a${at}` })
  }
  dies.kill("SIGKILL")
  await dies.exited
  for (const at of dead.keys()) {
    await poll(async () => {
      try {
        await (await openPeer(other.url, `c${at}`, "another")).close()
        return true
      } catch {
        return false
      }
    })
  }
  for (const client of [...here, ...again]) await client.close()
}, 60_000)

test("TogetherJS: sessions over both nodes have one order, and no ghosts of a dead node", async () => {
  await using dies = await startNode(args)
  const enter = async (node: TestNode, room: string, others: number) => {
    const client = await TextClient.connect(`${node.url}hub/${room}`)
    await client.upTo((text) => text === `{"type":"init-connection","peerCount":${others}}`)
    return client
  }
  const rooms = Array.from({ length: COUNT }, (_, at) => `cluster-${at}`)
  const first = await Promise.all(rooms.map((room) => enter(stays, room, 0)))
  const second = await Promise.all(rooms.map((room) => enter(other, room, 1)))
  await Promise.all(rooms.map((room) => enter(dies, room, 2)))
  const echo = (n: number) => `{"server-echo":true,"n":${n}}`
  for (let n = 0; n < 20; n++) for (const client of [...first, ...second]) client.send(echo(n))
  for (const [at, client] of first.entries()) {
    const heard = async (one: TextClient) => {
      const texts: string[] = []
      while (texts.length < 40) texts.push(await one.next())
      return texts
    }
    expect(await heard(client)).toEqual(await heard(second[at] as TextClient))
  }
  dies.kill("SIGKILL")
  await dies.exited
  for (const room of rooms) {
    await poll(async () => {
      const client = await TextClient.connect(`${stays.url}hub/${room}`)
      const told = await client.next()
      await client.close()
      return told === '{"type":"init-connection","peerCount":2}'
    })
  }
  for (const client of [...first, ...second]) await client.close()
}, 60_000)

test("y-webrtc: topics over both nodes count all subscribers, without those of a dead node", async () => {
  await using dies = await startNode(args)
  const topics = Array.from({ length: COUNT }, (_, at) => `topic-${at}`)
  const subscribe = async (node: TestNode) => {
    const client = await TextClient.connect(node.url)
    client.send({ type: "subscribe", topics })
    client.send({ type: "ping" })
    await client.upTo((text) => text === '{"type":"pong"}')
    return client
  }
  const ada = await subscribe(stays)
  const ben = await subscribe(other)
  await subscribe(dies)
  const agree = async (clients: number) => {
    for (const topic of topics) {
      await poll(async () => {
        const data = crypto.randomUUID()
        ada.send({ type: "publish", topic, data })
        const expected = `{"type":"publish","topic":"${topic}","data":"${data}","clients":${clients}}`
        const [heard, alsoHeard] = await Promise.all([ada, ben].map((one) => one.upTo((text) => text.includes(data))))
        expect(alsoHeard?.at(-1)).toBe(heard?.at(-1) as string)
        return heard?.at(-1) === expected
      })
    }
  }
  await agree(3)
  dies.kill("SIGKILL")
  await dies.exited
  await agree(2)
  for (const client of [ada, ben]) await client.close()
}, 60_000)

test("SimpleWebRTC and webrtc.io: rooms over both nodes hear who speaks and who goes, also with a dead node", async () => {
  await using dies = await startNode(args)
  const rooms = Array.from({ length: COUNT / 2 }, (_, at) => `cluster-${at}`)
  const engine = async (node: TestNode, room: string, others: number) => {
    const client = await EngineClient.connect(node.httpUrl)
    const [, told] = (await client.ask("join", room)) as [null, { clients: object }]
    expect(Object.keys(told.clients)).toHaveLength(others)
    return client
  }
  const io = async (node: TestNode, room: string, others: number) => {
    const client = await TextClient.connect(node.url)
    client.send({ eventName: "join_room", data: { room } })
    const { data } = JSON.parse((await client.upTo((text) => text.includes('"get_peers"'))).at(-1) ?? "")
    expect(data.connections).toHaveLength(others)
    return { client, id: data.you as string }
  }
  const members = []
  for (const room of rooms) {
    const [ada, ben] = [await engine(stays, room, 0), await engine(other, room, 1)]
    const [cem, dan] = [await io(stays, room, 0), await io(other, room, 1)]
    const [eve, fay] = [await engine(dies, room, 2), await io(dies, room, 2)]
    members.push({ ada, ben, cem, dan, eve, fay })
    ben.emit("message", { to: ada.id, type: "offer" })
    expect(await ada.next(/^42/)).toBe(`42["message",{"to":"${ada.id}","type":"offer","from":"${ben.id}"}]`)
    dan.client.send({ eventName: "send_offer", data: { socketId: cem.id, sdp: {} } })
    await cem.client.upTo((text) => text === `{"eventName":"receive_offer","data":{"sdp":{},"socketId":"${dan.id}"}}`)
  }
  dies.kill("SIGKILL")
  await dies.exited
  for (const { ada, ben, cem, dan, eve, fay } of members) {
    for (const client of [ada, ben]) await client.next(`42["remove",{"id":"${eve.id}"}]`)
    for (const { client } of [cem, dan])
      await client.upTo((text) => text === `{"eventName":"remove_peer_connected","data":{"socketId":"${fay.id}"}}`)
    for (const client of [ada, ben, eve]) await client.cutOff()
    for (const { client } of [cem, dan]) await client.close()
  }
}, 60_000)

test("nothing is left of any of it", async () => {
  await poll(async () => (await mastersInUse()) === 0)
  for (const node of [stays, other]) {
    expect(await node.metric("palava_rooms")).toBe(0)
    expect(node.complaints()).not.toContain('"level":"error"')
  }
})
