// One identity twice in a room, where that is not allowed: who of the two stays, what the other is told, and that it stays
// so whatever becomes of nodes and Redis. On one node and over two, for each dialect.

import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { SignalingClient } from "../../src/client/index.ts"
import { engineUrl } from "../dialects/engine-client.ts"
import { overNodes } from "../dialects/over-nodes.ts"
import { peerAddress } from "../dialects/peerjs-client.ts"
import { TextClient } from "../dialects/text-client.ts"
import { TestClient, type WireEvent } from "../helpers/client.ts"
import { runExecutable, startNode } from "../helpers/node.ts"
import { poll, startProxy, startRedis } from "../helpers/redis.ts"
import { Member } from "../resume/member.ts"
import { SECRET, sign } from "./tokens.ts"

const errorOf = (id: string, message: string): WireEvent => ({ event: "error", id, message, description: message })
const IN_ROOM = errorOf("identity_in_room", "this identity is in the room already")
const REPLACED = errorOf("replaced", "replaced by a later join of the same identity")
const CLOSED = { code: 4510, reason: "replaced by a later join of the same identity" }

/** Milliseconds: a network that is back is found soon. */
const TIMING = { retry: { firstMs: 20, longestMs: 50 } }

/** A plug-in: what it may say of a client, nobody knows before. */
const HELLO = join(import.meta.dir, "../../examples/hello.ts")

const argsFor = (sameIdentity: string) => ["--auth-secret", SECRET, "--same-identity", sameIdentity]

async function enter(url: string, room: string, sub?: string): Promise<{ client: TestClient; answer: WireEvent }> {
  const client = await TestClient.connect(url)
  client.send({ event: "join_room", room_id: room, token: await sign({ room, ...(sub && { sub }) }) })
  const answer = await client.nextWhere(({ event }) => event === "joined_room" || event === "error", "an answer")
  client.ownId = String(answer["own_id"])
  return { client, answer }
}

overNodes(argsFor("refuse"), (nodes) => {
  test("the newcomer is refused; the one there, others, and other rooms are not concerned", async () => {
    const { client: ada } = await enter(nodes.at(0).url, "tea", "ada")
    for (const at of [0, 1]) {
      const { client, answer } = await enter(nodes.at(at).url, "tea", "ada")
      expect(answer).toEqual(IN_ROOM)
      await client.close()
    }
    const others = await Promise.all([
      enter(nodes.at(1).url, "tea", "ben"),
      enter(nodes.at(0).url, "tea"),
      enter(nodes.at(1).url, "tea"),
      enter(nodes.at(1).url, "coffee", "ada"),
    ])
    expect(others.map(({ answer }) => answer.event)).toEqual(Array(4).fill("joined_room"))
    expect((await ada.drain()).map(({ event }) => event)).toEqual(Array(3).fill("new_peer"))
    await ada.close()
    await others[1].client.next("peer_left")
    expect((await enter(nodes.at(0).url, "tea", "ada")).answer.event).toBe("joined_room")
  })

  test("who comes back as itself is not a second one, and who is held keeps its place", async () => {
    const ports = [nodes.at(0).port]
    const token = await sign({ room: "held", sub: "ada" })
    const ada = await Member.join(() => ports.shift() ?? nodes.at(1).port, "held", {}, { token })
    ada.cut()
    expect((await enter(nodes.at(1).url, "held", "ada")).answer).toEqual(IN_ROOM)
    expect((await ada.resume()).event).toBe("resumed")
    expect((await enter(nodes.at(0).url, "held", "ada")).answer).toEqual(IN_ROOM)
    ada.say({ event: "leave_room" })
    await ada.drain()
    expect((await enter(nodes.at(0).url, "held", "ada")).answer.event).toBe("joined_room")
  })

  test("of many at once, one gets in", async () => {
    for (let round = 0; round < 5; round++) {
      const joins = await Promise.all(
        Array.from({ length: 6 }, (_, at) => enter(nodes.at(at).url, `race ${round}`, "ada")),
      )
      expect(joins.map(({ answer }) => answer["id"] ?? answer.event).sort()).toEqual([
        ...Array(5).fill("identity_in_room"),
        "joined_room",
      ])
      const [inside] = joins.filter(({ answer }) => answer.event === "joined_room")
      expect(await inside?.client.drain()).toEqual([])
    }
  })
})

overNodes(argsFor("replace"), (nodes) => {
  test("the older one is told, and parted from; the others see it go and the newcomer come", async () => {
    const { client: ada } = await enter(nodes.at(0).url, "tea", "ada")
    const { client: ben } = await enter(nodes.at(1).url, "tea", "ben")
    await ada.next("new_peer")
    const { client: next, answer } = await enter(nodes.at(1).url, "tea", "ada")
    expect(answer["peers"]).toEqual([{ peer_id: ben.ownId, status: {} }])
    expect([await ada.next(), await ada.closed]).toEqual([REPLACED, CLOSED])
    expect([await ben.next(), await ben.next()]).toEqual([
      { event: "peer_left", sender_id: ada.ownId },
      { event: "new_peer", peer_id: next.ownId, status: {} },
    ])
    ben.send({ event: "send_to_peer", peer_id: ada.ownId, data: { event: "message" } })
    expect((await ben.next())["id"]).toBe("unknown_peer")
    ben.send({ event: "send_to_peer", peer_id: next.ownId, data: { event: "message" } })
    expect(await next.next()).toEqual({ event: "message", sender_id: ben.ownId })
    expect([await ben.drain(), await next.drain()]).toEqual([[], []])
  })

  test("it takes the place in a full room, and comes into a locked one as it was in it", async () => {
    const can = ["lock", "send"]
    const host = await TestClient.connect(nodes.at(0).url)
    host.send({ event: "join_room", room_id: "full", token: await sign({ room: "full", sub: "host", can }) })
    await host.next("joined_room")
    const { client: ada } = await enter(nodes.at(1).url, "full", "ada")
    host.send({ event: "lock_room" })
    await ada.next("room_locked")
    expect((await enter(nodes.at(0).url, "full", "ben")).answer["id"]).toBe("room_locked")
    expect((await enter(nodes.at(0).url, "full", "ada")).answer.event).toBe("joined_room")
    expect(await ada.closed).toEqual(CLOSED)
  })

  test("it does not come back as itself: its client is told so at every node, and nobody else", async () => {
    const token = await sign({ room: "held", sub: "ada" })
    const ports = [nodes.at(0).port, nodes.at(1).port, nodes.at(0).port]
    const ada = await Member.join(() => ports.shift() ?? nodes.at(0).port, "held", {}, { token })
    ada.cut()
    const { client: next } = await enter(nodes.at(1).url, "held", "ada")
    for (let count = 0; count < 2; count++) {
      expect(await ada.resume()).toMatchObject(REPLACED)
      expect(await ada.socket.closed).toBe(CLOSED.code)
    }
    ada.token = `${ada.token.slice(0, -8)}AAAAAAAA`
    expect((await ada.resume())["id"]).toBe("resume_failed")
    expect(await next.drain()).toEqual([])
  })

  test("of many at once, the last stays: exactly one", async () => {
    for (let round = 0; round < 5; round++) {
      const room = `race ${round}`
      const { client: witness } = await enter(nodes.at(1).url, room, "ben")
      const joins = await Promise.all(Array.from({ length: 6 }, (_, at) => enter(nodes.at(at).url, room, "ada")))
      // Replaced before it could be told that it was in, it hears of that alone.
      for (const { answer } of joins) expect(answer["id"] ?? answer.event).toBeOneOf(["joined_room", "replaced"])
      const closes = joins.map(({ client }) => client.closed.then(({ code }) => code))
      await poll(async () => (await settled(closes)).filter((code) => code === CLOSED.code).length === 5)
      const inside = new Set<unknown>()
      for (const { event, ...it } of witness.all) {
        if (event === "new_peer") inside.add(it["peer_id"])
        if (event === "peer_left") inside.delete(it["sender_id"])
        if (event === "new_peer" || event === "peer_left") expect(inside.size).toBeLessThanOrEqual(1)
      }
      await witness.drain()
      expect(inside.size).toBe(1)
    }
  })

  test("a client of ours stays away and says why, also when it was away meanwhile", async () => {
    const token = await sign({ room: "client", sub: "ada" })
    await using proxy = await startProxy(nodes.at(0).port)
    for (const isAway of [false, true]) {
      const client = new SignalingClient(`ws://127.0.0.1:${proxy.port}/`, { token, ...TIMING })
      await client.join("client")
      proxy.isRefusing = isAway
      if (isAway) proxy.reset()
      const { client: next } = await enter(nodes.at(1).url, "client", "ada")
      proxy.isRefusing = false
      await poll(() => client.state.name === "closed")
      expect(client.state).toEqual({ name: "closed", ...CLOSED })
      expect(await next.drain()).toEqual([])
      await next.close()
    }
  })

  describe("in dialects that have no word for it, it hears nothing more and stays connected,", () => {
    const open = async (path: string, sub: string, at: number) => {
      const url = `${nodes.at(at).url}${path}`
      return TextClient.connect(`${url}${path.includes("?") ? "&" : "?"}access_token=${await sign({ room: "*", sub })}`)
    }

    test("as y-webrtc", async () => {
      const subscribe = { type: "subscribe", topics: ["y"] }
      const [older, other] = [await open("", "ada", 0), await open("", "ben", 1)]
      for (const client of [older, other]) await said(client, subscribe, { type: "ping" }, '{"type":"pong"}')
      const newer = await open("", "ada", 1)
      await said(newer, subscribe, { type: "ping" }, '{"type":"pong"}')
      other.send({ type: "publish", topic: "y", data: 1 })
      expect(await newer.nextJson()).toEqual({ type: "publish", topic: "y", data: 1, clients: 2 })
      await said(older, { type: "ping" }, {}, '{"type":"pong"}')
      expect(older.all.filter((text) => text.includes("publish"))).toEqual([])
    })

    test("as webrtc.io", async () => {
      const joins = { eventName: "join_room", data: { room: "w" } }
      const [older, other] = [await open("", "ada", 0), await open("", "ben", 1)]
      for (const client of [older, other]) {
        client.send(joins)
        await client.upTo((text) => text.includes("get_peers"))
      }
      const newer = await open("", "ada", 1)
      newer.send(joins)
      expect(JSON.parse(await newer.next()).data.connections).toHaveLength(1)
      expect(JSON.parse(await other.next()).eventName).toBe("remove_peer_connected")
      expect(JSON.parse(await other.next()).eventName).toBe("new_peer_connected")
      expect(older.all.filter((text) => text.includes("remove_peer"))).toEqual([])
    })

    test("as TogetherJS", async () => {
      const [older, other] = [await open("hub/t", "ada", 0), await open("hub/t", "ben", 1)]
      for (const client of [older, other]) await client.next()
      const newer = await open("hub/t", "ada", 1)
      expect(JSON.parse(await newer.next()).peerCount).toBe(1)
      older.send({ type: "from older" })
      other.send({ type: "from other" })
      expect(JSON.parse(await newer.next()).type).toBe("from other")
      expect(older.all).toHaveLength(1)
    })

    test("as SimpleWebRTC, which has one", async () => {
      const socket = async (sub: string, at: number) => {
        const client = await open(engineUrl("/", "websocket").slice(1), sub, at)
        await client.upTo((text) => text.startsWith('42["turnservers"'), "the greeting")
        return client
      }
      const [older, other] = [await socket("ada", 0), await socket("ben", 1)]
      for (const client of [older, other]) {
        client.send('420["join","s"]')
        await client.upTo((text) => text.startsWith("430"))
      }
      const newer = await socket("ada", 1)
      newer.send('420["join","s"]')
      expect(Object.keys(JSON.parse((await newer.next()).slice(3))[1].clients)).toHaveLength(1)
      await older.upTo((text) => text.startsWith('42["remove"'))
      await other.upTo((text) => text.startsWith('42["remove"'))
    })

    test("but a PeerJS id has one owner anyway, who keeps it", async () => {
      const peer = async (id: string, token: string) =>
        TextClient.connect(
          peerAddress(nodes.at(0).url, id, token, `&access_token=${await sign({ room: "*", sub: "ada" })}`),
        )
      const [older, newer] = [await peer("p", "one"), await peer("p", "two")]
      expect([await older.next(), JSON.parse(await newer.next()).type]).toEqual(['{"type":"OPEN"}', "ID-TAKEN"])
    })
  })
})

test("where nobody has an identity, it does nothing, and the server says so", async () => {
  const warnedOf = async (...args: string[]) => {
    const { code, stderr } = await runExecutable(["check-config", ...args])
    expect(code).toBe(0)
    return stderr
  }
  expect(await warnedOf("--same-identity", "replace")).toMatch(
    /^palava-machine: warning: --same-identity replace does nothing: nobody has an identity without .*\n$/,
  )
  expect(await warnedOf("--same-identity", "allow")).toBe("")
  expect(await warnedOf(...argsFor("refuse"))).toBe("")
  expect(await warnedOf("--same-identity", "refuse", "--plugin", HELLO)).toBe("")
})

describe("whatever becomes of Redis:", () => {
  test("a node that was cut off meanwhile does not bring the replaced one back", async () => {
    for (const leaseSeconds of ["10", "1"]) {
      await using redis = await startRedis()
      await using proxy = await startProxy(redis.port)
      const more = ["--lease-seconds", leaseSeconds, "--redis-wait-seconds", "30"]
      await using away = await startNode([...argsFor("replace"), ...more, "--redis", `redis://127.0.0.1:${proxy.port}`])
      await using node = await startNode([...argsFor("replace"), ...more, "--redis", redis.url])
      const { client: ada } = await enter(away.url, "tea", "ada")
      const { client: mate } = await enter(away.url, "tea", "cyd")
      const { client: ben } = await enter(node.url, "tea", "ben")
      proxy.freeze()
      proxy.isRefusing = true
      if (leaseSeconds === "1") await ben.next("peer_left")
      const { client: next } = await enter(node.url, "tea", "ada")
      await ben.nextWhere((event) => event["peer_id"] === next.ownId, "the newcomer")
      const from = ben.all.length
      proxy.isRefusing = false
      proxy.reset()
      expect(await ada.closed).toEqual(CLOSED)
      expect(ada.all.at(-1)).toEqual(REPLACED)
      await mate.nextWhere((event) => event["peer_id"] === next.ownId, "the newcomer")
      ben.send({ event: "update_status", status: { done: 1 } })
      await mate.next("peer_updated_status")
      await ben.next("peer_updated_status")
      const named = ben.all.slice(from).filter((event) => JSON.stringify(event).includes(ada.ownId))
      expect(named.filter(({ event }) => event === "new_peer")).toEqual([])
      expect(await next.drain()).not.toContainEqual(REPLACED)
    }
  }, 90_000)

  test("one that comes back empty, or with what it had before, has the later one alone", async () => {
    for (const older of [false, true]) {
      await using redis = await startRedis("--appendonly", "no", "--save", "")
      const args = [...argsFor("replace"), "--redis", redis.url, "--lease-seconds", "3"]
      await using one = await startNode(args)
      await using two = await startNode(args)
      const { client: ben } = await enter(two.url, "tea", "ben")
      const { client: ada } = await enter(one.url, "tea", "ada")
      await ben.next("new_peer")
      if (older) await redis.cli("SAVE")
      const { client: next } = await enter(two.url, "tea", "ada")
      await ada.closed
      await ben.next("new_peer")
      await redis.restart()
      await poll(async () => (await enter(one.url, "other", "probe")).answer.event === "joined_room")
      await poll(async () => {
        const { client, answer } = await enter(one.url, "tea", "cyd")
        await client.close()
        return answer.event === "joined_room" && (answer["peers"] as unknown[]).length === 2
      })
      ben.send({ event: "send_to_peer", peer_id: next.ownId, data: { event: "message" } })
      await next.next("message")
      expect(next.all.filter(({ event }) => event === "error")).toEqual([])
    }
  }, 60_000)
})

async function said(client: TextClient, first: object, second: object, answer: string): Promise<void> {
  client.send(first)
  client.send(second)
  await client.upTo((text) => text === answer)
}

/** Of these, the values of those that have come to one. */
async function settled<T>(promises: readonly Promise<T>[]): Promise<(T | undefined)[]> {
  return Promise.all(promises.map((promise) => Promise.race([promise, Promise.resolve(undefined)])))
}
