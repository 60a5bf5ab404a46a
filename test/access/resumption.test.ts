// A member that comes back has the rights and the time it had, at its own node, at another one, and when its own was killed;
// what its resume token says of it no client can change.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { startNode, type TestNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"
import { type Event, errorOf, Member, type Resumed } from "../resume/member.ts"
import { inSeconds, SECRET, sign } from "./tokens.ts"

const REFUSED = errorOf("unauthorized", "not authorized") as Event
const FAILED = errorOf("resume_failed", "cannot resume") as Resumed

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

const start = (prefix: string): Promise<TestNode> =>
  startNode(["--auth-secret", SECRET, "--redis", redis.url, "--redis-prefix", prefix])

for (const [where, fate] of [
  ["its own node", "lives"],
  ["another node", "lives"],
  ["another node, as its own is dead", "dies"],
] as const) {
  test(`name and rights at ${where}`, async () => {
    const prefix = `rights${where.length}${fate}`
    await using home = await start(prefix)
    await using other = await start(prefix)
    const port = () => (where === "its own node" ? home.port : other.port)
    const ports = [home.port]
    const token = await sign({ room: "tea", name: "Ada", can: ["status"], sub: "ada" })
    const bob = await Member.join(other.port, "tea", {}, { token: await sign({ room: "tea" }) })
    const ada = await Member.join(() => ports.shift() ?? port(), "tea", { name: "Eve" }, { token })
    expect((await bob.next("new_peer"))["status"]).toEqual({ name: "Ada" })
    ada.cut()
    if (fate === "dies") {
      home.kill("SIGKILL")
      await home.exited
    }
    const resumed = await ada.resume()
    expect(resumed.event).toBe("resumed")
    ada.tell(bob, "x")
    expect(await ada.next("error")).toEqual(REFUSED)
    ada.say({ event: "update_status", status: { name: "Eve", x: 1 } })
    expect(await bob.next("peer_updated_status")).toMatchObject({ status: { name: "Ada", x: 1 } })
    expect(bob.heard.filter(({ event }) => event === "message" || event === "peer_left")).toEqual([])
  })
}

test("its time goes on at another node, and is over there", async () => {
  await using home = await start("time")
  await using other = await start("time")
  const ports = [home.port]
  const bob = await Member.join(other.port, "tea", {}, { token: await sign({ room: "tea" }) })
  const token = await sign({ room: "tea", exp: inSeconds(-2) })
  const ada = await Member.join(() => ports.shift() ?? other.port, "tea", {}, { token })
  await bob.next("new_peer")
  ada.cut()
  home.kill("SIGKILL")
  await home.exited
  expect((await ada.resume()).event).toBe("resumed")
  expect(await ada.next("error")).toEqual(REFUSED)
  expect(await bob.next()).toEqual({ event: "peer_left", sender_id: ada.id })
})

test("who is away when its time is over does not come back", async () => {
  await using node = await start("away")
  const bob = await Member.join(node.port, "tea", {}, { token: await sign({ room: "tea" }) })
  const ada = await Member.join(node.port, "tea", {}, { token: await sign({ room: "tea", exp: inSeconds(-6) }) })
  await bob.next("new_peer")
  ada.cut()
  expect(await bob.next()).toEqual({ event: "peer_left", sender_id: ada.id })
  expect(await ada.resume()).toEqual(FAILED)
})

test("what the resume token says of it cannot be changed", async () => {
  await using home = await start("forged")
  await using other = await start("forged")
  const ada = await Member.join(home.port, "tea", {}, { token: await sign({ room: "tea", can: ["status"] }) })
  const [node, room, peer, secret, grant = ""] = ada.token.split(".")
  const said = JSON.parse(Buffer.from(grant, "base64url").toString()) as object
  const pack = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
  ada.cut()
  for (const forged of [
    [node, room, peer, secret],
    [node, room, peer, secret, pack({ ...said, can: ["send", "status"] })],
    [node, room, peer, secret, pack({ ...said, until: Date.now() + 1e9 })],
    [node, room, peer, secret, pack({})],
    [node, room, peer, secret, pack({ can: 5 })],
    [node, room, peer, secret, pack({ peers: "x", until: "y" })],
    [node, room, peer, secret, pack([])],
    [node, room, peer, secret, "AAAA"],
  ]) {
    for (const { port } of [home, other]) {
      const eve = await Member.join(port, "eve", {}, { token: await sign({ room: "eve" }) })
      eve.say({ event: "leave_room" })
      eve.say({ event: "resume", token: forged.join("."), received: 1 })
      expect(await eve.next("error")).toEqual(FAILED)
      eve.cut()
    }
  }
  expect((await ada.resume()).complete).toBe(true)
  expect([home.complaints(), other.complaints()]).toEqual(["", ""])
})
