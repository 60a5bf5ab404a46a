// Locked rooms, on one node and over two: who may lock them, who is kept out, and who is not.

import { expect, test } from "bun:test"
import { SignalingClient, type SignalingEvents } from "../../src/client/index.ts"
import { overNodes } from "../dialects/over-nodes.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
import { poll, startProxy, startRedis } from "../helpers/redis.ts"
import { Member } from "../resume/member.ts"
import { SECRET, sign } from "./tokens.ts"

overNodes(["--auth-secret", SECRET], (nodes) => {
  const join = async (room: string, at: number, can?: string[]) => {
    const client = await TestClient.connect(nodes.at(at).url)
    client.send({ event: "join_room", room_id: room, token: await sign({ room, ...(can && { can }) }) })
    const answer = await client.nextWhere(({ event }) => event === "joined_room" || event === "error", "an answer")
    client.ownId = String(answer["own_id"])
    return { client, answer }
  }

  test("by whose token says so: all are told, nobody new comes in, until it is unlocked", async () => {
    const { client: host } = await join("room", 0, ["lock", "send"])
    const { client: guest } = await join("room", 1)
    await host.next("new_peer")
    guest.send({ event: "lock_room", ref: 1 })
    expect(await guest.next()).toMatchObject({ event: "error", id: "unauthorized", ref: 1 })
    host.send({ event: "lock_room" })
    for (const client of [host, guest]) {
      expect(await client.next()).toEqual({ event: "room_locked", peer_id: host.ownId })
    }
    for (const at of [0, 1]) {
      const { client, answer } = await join("room", at, ["lock"])
      expect(answer).toEqual({
        event: "error",
        id: "room_locked",
        message: "room is locked",
        description: "room is locked",
      })
      client.send({ event: "unlock_room" })
      expect((await client.next())["id"]).toBe("not_in_room")
    }
    guest.send({ event: "unlock_room" })
    expect((await guest.next())["id"]).toBe("unauthorized")
    host.send({ event: "unlock_room" })
    for (const client of [host, guest]) {
      expect(await client.next()).toEqual({ event: "room_unlocked", peer_id: host.ownId })
    }
    expect((await join("room", 1)).answer.event).toBe("joined_room")
  })

  test("the lock ends with the last member", async () => {
    const { client: host } = await join("gone", 0, ["lock"])
    host.send({ event: "lock_room" })
    await host.next("room_locked")
    expect((await join("gone", 1)).answer["id"]).toBe("room_locked")
    host.send({ event: "leave_room" })
    await host.drain()
    expect((await join("gone", 1)).answer.event).toBe("joined_room")
  })
})

overNodes(["--room-locks", "members"], (nodes, count) => {
  test("without tokens by each member, where that is wanted; who comes back as itself is no newcomer", async () => {
    const ports = [nodes.at(0).port]
    const ada = await Member.join(() => ports.shift() ?? nodes.at(1).port, "tea")
    const ben = await Member.join(nodes.at(1).port, "tea")
    await ada.next("new_peer")
    ben.say({ event: "lock_room" })
    for (const member of [ada, ben]) expect(await member.next()).toEqual({ event: "room_locked", peer_id: ben.id })
    ada.cut()
    const resumed = await ada.resume()
    expect([resumed.event, resumed.complete]).toEqual(["resumed", count === 1 || resumed.complete])
    await using other = await TestClient.connect(nodes.at(0).url)
    expect((await other.join("tea"))["id"]).toBe("room_locked")
  })
})

test("without tokens by nobody, unless it is wanted", async () => {
  await using node = await startNode()
  await using client = await TestClient.connect(node.url)
  await client.join("tea")
  client.send({ event: "lock_room" })
  expect((await client.next())["id"]).toBe("unauthorized")
})

test("a Redis that comes back empty is told again", async () => {
  await using redis = await startRedis()
  const args = ["--room-locks", "members", "--redis", redis.url]
  await using one = await startNode(args)
  await using two = await startNode(args)
  await using ada = await TestClient.connect(one.url)
  await using ben = await TestClient.connect(two.url)
  await ada.join("tea")
  await ben.join("tea")
  ada.send({ event: "lock_room" })
  await ben.next("room_locked")
  await redis.restart({ keepData: false })
  await using late = await TestClient.connect(two.url)
  let answer = await late.join("tea")
  while (answer["id"] === "unavailable") answer = await late.join("tea")
  expect(answer["id"]).toBe("room_locked")
})

overNodes(["--auth-secret", SECRET], (nodes) => {
  test("a client of ours locks and unlocks, tells who did, and says who may not", async () => {
    const token = (can?: string[]) => sign({ room: "ours", ...(can && { can }) })
    await using proxy = await startProxy(nodes.at(0).port)
    const retry = { firstMs: 20, longestMs: 50 }
    const host = new SignalingClient(`ws://127.0.0.1:${proxy.port}/`, { token: await token(["lock"]), retry })
    const guest = new SignalingClient(nodes.at(1).url, { token: await token() })
    const told: SignalingEvents["locked"][] = []
    guest.on("locked", (event) => told.push(event))
    await expect(host.lock()).rejects.toMatchObject({ id: "connection_lost" })
    const { ownId } = await host.join("ours")
    await guest.join("ours")
    await host.lock()
    await poll(() => told.length === 1)
    await using late = await TestClient.connect(nodes.at(1).url)
    const ask = async () => {
      late.send({ event: "join_room", room_id: "ours", token: await token() })
      return (await late.next())["id"]
    }
    expect(await ask()).toBe("room_locked")
    await expect(guest.unlock()).rejects.toMatchObject({ id: "unauthorized" })
    // Asked for in a break, it is done when that is over.
    proxy.reset()
    await poll(() => host.state.name !== "open")
    await host.unlock()
    await poll(() => told.length === 2)
    expect(told).toEqual([
      { peerId: ownId, isLocked: true },
      { peerId: ownId, isLocked: false },
    ])
    expect(await ask()).toBeUndefined()
    for (const client of [host, guest]) client.close()
  })
})
