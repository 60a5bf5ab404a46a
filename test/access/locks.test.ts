// Locked rooms, on one node and over two: who may lock them, who is kept out, and who is not.

import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SignalingClient, type SignalingEvents } from "../../src/client/index.ts"
import { overNodes } from "../dialects/over-nodes.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
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

describe("a lock survives", () => {
  const folder = mkdtempSync(join(tmpdir(), "palava-locks-"))
  afterAll(() => rmSync(folder, { recursive: true }))

  const isLocked = async ({ url }: TestNode) => {
    await using client = await TestClient.connect(url)
    let answer = await client.join("tea")
    while (answer["id"] === "unavailable") answer = await client.join("tea")
    return answer["id"] === "room_locked"
  }

  for (const isReplaced of [false, true]) {
    test(isReplaced ? "the server that takes the place" : "restarts with a state file", async () => {
      const args = ["--room-locks", "members", "--state-file", join(folder, `state-${isReplaced}`)]
      const gone = ["--shutdown-seconds", "0"]
      const first = await startNode([...args, ...gone])
      const ada = await Member.join(first.port, "tea")
      ada.say({ event: "lock_room" })
      await ada.next("room_locked")
      const ports = ["--port", `${first.port}`, "--admin-listen", `127.0.0.1:${first.adminPort}`]
      const next = isReplaced ? startNode([...args, "--replace", ...ports]) : undefined
      if (!isReplaced) first.kill("SIGTERM")
      expect(await ada.socket.closed).toBe(1001)
      ada.cut()
      expect(await first.exited).toBe(0)
      if (!isReplaced) {
        // Nobody has come back when it is restarted again.
        const second = await startNode([...args, ...gone])
        second.kill("SIGTERM")
        expect(await second.exited).toBe(0)
      }
      await using node = await (next ?? startNode(args))
      expect(await isLocked(node)).toBe(true)
      expect(await ada.resume(node.port)).toMatchObject({ complete: true })
      expect(await isLocked(node)).toBe(true)
      ada.say({ event: "unlock_room" })
      await ada.next("room_unlocked")
      expect(await isLocked(node)).toBe(false)
    })
  }

  test("its members going from node to node", async () => {
    await using redis = await startRedis()
    const args = ["--room-locks", "members", "--redis", redis.url, "--shutdown-seconds", "3"]
    await using one = await startNode(args)
    await using two = await startNode(args)
    const ada = await Member.join(one.port, "tea")
    ada.say({ event: "lock_room" })
    await ada.next("room_locked")
    one.kill("SIGTERM")
    expect(await ada.socket.closed).toBe(1001)
    ada.cut()
    expect((await ada.resume(two.port)).event).toBe("resumed")
    expect(await isLocked(two)).toBe(true)
  })

  for (const last of ["lock_room", "unlock_room"] as const) {
    test(`a Redis with older data, as it was with ${last}`, async () => {
      await using redis = await startRedis("--appendonly", "no", "--save", "")
      await using node = await startNode(["--room-locks", "members", "--redis", redis.url])
      const ada = await Member.join(node.port, "tea")
      const say = async (event: string) => {
        ada.say({ event })
        await ada.next(event === "lock_room" ? "room_locked" : "room_unlocked")
      }
      await say("lock_room")
      if (last === "lock_room") await say("unlock_room")
      await redis.cli("SAVE")
      await say(last)
      await redis.restart()
      expect(await isLocked(node)).toBe(last === "lock_room")
    })
  }
})
