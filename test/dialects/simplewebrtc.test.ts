// SimpleWebRTC's dialect on the executable: what clients of signalmaster say and hear, over each of their transports, on
// one node and over two.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { startNode, type TestNode } from "../helpers/node.ts"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { makePrefix } from "../helpers/redis-stores.ts"
import { EngineClient, type Way } from "./engine-client.ts"

const ROOM_SIZE = 3
const CAMERA = { screen: false, video: true, audio: false }

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

async function startNodes(count: number, ...more: string[]): Promise<TestNode[]> {
  const together = count === 1 ? [] : ["--redis", redis.url, "--redis-prefix", makePrefix(), "--lease-seconds", "2"]
  return Promise.all(
    Array.from({ length: count }, () => startNode(["--room-size", `${ROOM_SIZE}`, ...together, ...more])),
  )
}

const PLACES: readonly (readonly [number, Way])[] = [
  [1, "websocket"],
  [1, "polling"],
  [1, "text polling"],
  [1, "upgrade"],
  [2, "websocket"],
  [2, "upgrade"],
]

for (const [count, way] of PLACES) {
  describe(`by ${way} over ${count} node${count === 1 ? "" : "s"}`, () => {
    let nodes: TestNode[]
    const clients: EngineClient[] = []
    beforeAll(async () => {
      nodes = await startNodes(count, "--ping-seconds", "5", "--dead-seconds", "10")
    })
    afterAll(async () => {
      await Promise.all(clients.map((client) => client.cutOff()))
      for (const node of nodes) {
        await poll(async () => (await node.metric("palava_connections")) + (await node.metric("palava_rooms")) === 0)
        expect(node.complaints()).toBe("")
        await node[Symbol.asyncDispose]()
      }
    })
    const connect = async (at: number): Promise<EngineClient> => {
      const client = await EngineClient.connect((nodes[at % count] as TestNode).httpUrl, way)
      clients.push(client)
      return client
    }

    test("a newcomer hears who it is, and which STUN and TURN servers there are", async () => {
      const one = await connect(0)
      const hello = one.all.filter((packet) => !/^[036]/.test(packet))
      expect(hello).toEqual(["40", '42["stunservers",[]]', '42["turnservers",[]]'])
      expect(one.id).not.toBe("")
    })

    test("whoever joins hears who is there, on whichever node; nobody hears of a newcomer", async () => {
      const [ada, ben, cem] = [await connect(0), await connect(1), await connect(0)]
      expect(await ada.ask("join", "rööm🙂")).toEqual([null, { clients: {} }])
      expect(await ben.ask("join", "rööm🙂")).toEqual([null, { clients: { [ada.id]: CAMERA } }])
      expect(await cem.ask("join", "rööm🙂")).toEqual([null, { clients: { [ada.id]: CAMERA, [ben.id]: CAMERA } }])
      expect([await ada.drain(), await ben.drain()]).toEqual([[], []])
    })

    test("a message reaches its addressee with the sender's id, and nobody outside the room", async () => {
      const [ada, ben, out] = [await connect(0), await connect(1), await connect(1)]
      await ada.ask("join", "talk")
      await ben.ask("join", "talk")
      await out.ask("join", "elsewhere")
      const offer = { to: ada.id, sid: "1", roomType: "video", type: "offer", payload: { sdp: "ä🙂", nick: "Bén" } }
      ben.emit("message", offer)
      expect(await ada.next(/^42/)).toBe(`42${JSON.stringify(["message", { ...offer, from: ben.id }])}`)
      ben.send(`42["message",{"from":"forged","to":"${ada.id}","n":1e400,"__proto__":{"x":1}, "from":"forged" } ]`)
      expect(await ada.next(/^42/)).toBe(
        `42["message",{"from":"forged","to":"${ada.id}","n":1e400,"__proto__":{"x":1}, "from":"forged" ,"from":"${ben.id}"}]`,
      )
      for (const to of [out.id, "talk", "elsewhere", "", null, 1, {}, "__proto__"])
        ben.emit("message", { to, type: "x" })
      for (const wrong of [null, [], [{ to: ada.id }], "text", 1]) ben.emit("message", wrong)
      ben.emit("message")
      ben.emit("message", { to: ada.id, type: "sentinel" })
      expect(await ada.next(/^42/)).toContain('"type":"sentinel"')
      expect([await ada.drain(), await ben.drain(), await out.drain()]).toEqual([[], [], []])
    })

    test("messages keep their order, a thousand each way", async () => {
      const [ada, ben] = [await connect(0), await connect(1)]
      await ada.ask("join", "order")
      await ben.ask("join", "order")
      const pairs = [[ada, ben] as const, [ben, ada] as const]
      for (const [from, to] of pairs) {
        for (let block = 0; block < 10; block++) {
          from.send(
            ...Array.from({ length: 100 }, (_, at) => `42["message",{"to":"${to.id}","n":${block * 100 + at}}]`),
          )
        }
      }
      for (const [from, to] of pairs) {
        await to.next(/"n":999,/)
        const heard = to.all.filter((packet) => packet.startsWith('42["message"'))
        expect(heard).toEqual(
          Array.from({ length: 1000 }, (_, n) => `42["message",{"to":"${to.id}","n":${n},"from":"${from.id}"}]`),
        )
      }
    })

    test("leaving, joining another room and going away are told; the one who leaves is told too", async () => {
      const [ada, ben] = [await connect(0), await connect(1)]
      const gone = `42["remove",{"id":"${ben.id}"}]`
      await ada.ask("join", "first")
      await ben.ask("join", "first")
      ben.emit("leave")
      await ada.next(gone)
      await ben.next(gone)
      await ben.ask("join", "first")
      expect(await ben.ask("join", "second")).toEqual([null, { clients: {} }])
      await ada.next(gone)
      expect(ben.all.filter((packet) => packet === gone)).toHaveLength(2)
      expect(await ben.ask("join", "first")).toEqual([null, { clients: { [ada.id]: CAMERA } }])
      expect(await ben.ask("join", "first")).toEqual([null, { clients: { [ada.id]: CAMERA } }])
      await ada.next(gone)
      await ben.close()
      await ada.next(gone)
      expect(await ada.drain()).toEqual([])
    })

    test("a client that is cut off is gone", async () => {
      const [ada, ben] = [await connect(0), await connect(1)]
      await ada.ask("join", "cut")
      await ben.ask("join", "cut")
      await ben.cutOff()
      await ada.next(`42["remove",{"id":"${ben.id}"}]`)
    })

    test("a screen is shared, seen by who joins, and no more", async () => {
      const [ada, ben] = [await connect(0), await connect(1)]
      await ada.ask("join", "screens")
      ada.emit("shareScreen")
      await ada.drain()
      expect(await ben.ask("join", "screens")).toEqual([null, { clients: { [ada.id]: { ...CAMERA, screen: true } } }])
      ada.emit("unshareScreen")
      const removed = `42["remove",{"id":"${ada.id}","type":"screen"}]`
      await ada.next(removed)
      await ben.next(removed)
      expect([await ada.drain(), await ben.drain()]).toEqual([[], []])
    })

    test("a room is created once, is full at its limit, and what is refused costs nobody their room", async () => {
      const [ada, ben] = [await connect(0), await connect(1)]
      expect(await ada.ask("create", "mine")).toEqual([null, "mine"])
      expect(await ben.ask("create", "mine")).toEqual(["taken"])
      expect(await ada.ask("create", "mine")).toEqual(["taken"])
      expect(await ben.ask("join", "mine")).toEqual([null, { clients: { [ada.id]: CAMERA } }])
      for (const name of [null, ""])
        expect(await ben.ask("create", name)).toEqual([null, expect.stringMatching(/^.{36}$/)])
      expect(await ben.ask("create")).toEqual([null, expect.stringMatching(/^.{36}$/)])
      await ada.next(`42["remove",{"id":"${ben.id}"}]`)
      const others = [await connect(0), await connect(1)]
      for (const other of others) await other.ask("join", "mine")
      expect(await ben.ask("join", "mine")).toEqual(["full"])
      ben.emit("create", "lone name")
      expect(await ada.ask("join", "lone name")).toEqual([null, { clients: {} }])
    })

    test("a name that is no string gets no answer; one of over 1,000 characters is refused", async () => {
      const ada = await connect(0)
      for (const event of ["join", "create"]) {
        expect(await ada.ask(event, "ö".repeat(1_000))).toEqual([null, expect.anything()])
        expect(await ada.ask(event, "ö".repeat(1_001))).toEqual(["room_name_too_long"])
        ada.emit("leave")
        await ada.next(`42["remove",{"id":"${ada.id}"}]`)
      }
      for (const name of [1, true, {}, ["room"], null]) ada.send(`420${JSON.stringify(["join", name])}`)
      for (const name of [1, true, {}, ["room"]]) ada.send(`421${JSON.stringify(["create", name])}`)
      ada.send('422["join"]')
      expect(await ada.drain()).toEqual([])
    })
  })
}

test("a node is killed: those of the others hear that its clients are gone, and rooms work on", async () => {
  const [one, two] = (await startNodes(2)) as [TestNode, TestNode]
  await using _one = one
  await using _two = two
  await using ada = await EngineClient.connect(one.httpUrl)
  await using ben = await EngineClient.connect(two.httpUrl, "upgrade")
  await ada.ask("join", "killed")
  await ben.ask("join", "killed")
  two.kill("SIGKILL")
  await ben.closed
  await ada.next(`42["remove",{"id":"${ben.id}"}]`)
  await using again = await EngineClient.connect(one.httpUrl)
  expect(await again.ask("join", "killed")).toEqual([null, { clients: { [ada.id]: CAMERA } }])
})

test("STUN and TURN servers are those of palava's clients, with credentials by HMAC-SHA1", async () => {
  const servers = ["stun:a:3478", "stun:b:3478", "turn:c:3478", "turns:c:5349"].flatMap((url) => ["--ice-server", url])
  await using node = await startNode([...servers, "--turn-secret", "secret"])
  await using client = await EngineClient.connect(node.httpUrl)
  const [stun = "", turn = ""] = client.all.filter((packet) => packet.startsWith("42"))
  expect(stun).toBe('42["stunservers",[{"urls":["stun:a:3478","stun:b:3478"]}]]')
  const [, [server]] = JSON.parse(turn.slice(2)) as [string, { username: string; credential: string; urls: string[] }[]]
  expect(server?.urls).toEqual(["turn:c:3478", "turns:c:5349"])
  const expiry = Number(server?.username.split(":")[0])
  expect(Math.abs(expiry - Date.now() / 1000 - 86_400)).toBeLessThan(60)
  expect(server?.credential).toBe(
    createHmac("sha1", "secret")
      .update(server?.username ?? "")
      .digest("base64"),
  )
})

test("it can be switched off", async () => {
  await using node = await startNode(["--dialect", "palava", "--no-page"])
  expect((await fetch(`${node.httpUrl}socket.io/?EIO=3&transport=polling`)).status).toBe(404)
})
