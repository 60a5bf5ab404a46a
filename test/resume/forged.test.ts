// Invented tokens on a node of a cluster, where only Redis knows which are true: whoever they name feels nothing of them.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { createHash, randomBytes } from "node:crypto"
import { startNode, type TestNode } from "../helpers/node.ts"
import { RawSocket, textFrame } from "../helpers/raw-socket.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"
import { Member } from "./member.ts"

/** So long Redis answers nobody: what is asked meanwhile is all under way at once. */
const PAUSE_MS = 400

let redis: RedisServer
let node: TestNode
let other: TestNode
beforeAll(async () => {
  redis = await startRedis()
  ;[node, other] = await Promise.all([startNode(["--redis", redis.url]), startNode(["--redis", redis.url])])
})
afterAll(async () => {
  await Promise.all([node.stop(), other.stop()])
  await redis[Symbol.asyncDispose]()
})

/** A token for anybody's place in any room, of the right shape. */
function invent(peer: string, key: string): string {
  return `${crypto.randomUUID()}.${key}.${peer}.${randomBytes(32).toString("base64url")}`
}

const keyOf = (room: string) => createHash("sha256").update(room).digest("hex")

/** Sends an invented token on a connection of its own. */
async function forge(peer: string, key: string): Promise<RawSocket> {
  const socket = await RawSocket.open(node.port)
  socket.write(textFrame({ event: "resume", token: invent(peer, key), received: 0 }))
  return socket
}

test("somebody's join that is under way goes on, and is answered", async () => {
  const victim = await Member.join(node.port, "before")
  victim.say({ event: "leave_room" })
  await victim.drain()
  await redis.cli("CLIENT", "PAUSE", String(PAUSE_MS), "ALL")
  victim.say({ event: "join_room", room_id: "next", status: {}, resume: true })
  const forged = await Promise.all(Array.from({ length: 5 }, () => forge(victim.id, keyOf("next"))))
  expect(await victim.next("joined_room")).toMatchObject({ own_id: victim.id })
  for (const socket of forged) {
    expect(await socket.nextEvent()).toMatchObject({ event: "error", id: "resume_failed" })
    socket[Symbol.dispose]()
  }
  const late = await Member.join(other.port, "next")
  expect(await victim.next("new_peer")).toMatchObject({ peer_id: late.id })
})

test("the true client comes back from the other node at once, however many invent a token for its place", async () => {
  const member = await Member.join(other.port, "crowd")
  const forged = await Promise.all(Array.from({ length: 20 }, () => forge(member.id, keyOf("crowd"))))
  member.cut()
  const asked = performance.now()
  using socket = await RawSocket.open(node.port)
  socket.write(textFrame({ event: "resume", token: member.token, received: member.received }))
  expect(await socket.nextEvent()).toMatchObject({ event: "resumed", own_id: member.id, complete: true })
  // One try of each of the twenty behind the other would be six seconds.
  expect(performance.now() - asked).toBeLessThan(4_000)
  for (const one of forged) one[Symbol.dispose]()
})

test("a room of another dialect keeps its own words", async () => {
  const room = `togetherjs\n${crypto.randomUUID()}`
  const key = createHash("sha256")
    .update(Buffer.concat([Buffer.from([0xff]), Buffer.from(room)]))
    .digest("hex")
  await redis.cli("CLIENT", "PAUSE", String(PAUSE_MS), "ALL")
  const forged = await forge(crypto.randomUUID(), key)
  const name = room.slice("togetherjs\n".length)
  const open = () => new WebSocket(`${node.url}hub/${name}`)
  const [ada, ben] = [open(), open()]
  const heard: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  ben.onmessage = ({ data }) => {
    heard.push(String(data))
    if (String(data).includes("that was all")) resolve()
  }
  await Promise.all([ada, ben].map((one) => new Promise((opened) => one.addEventListener("open", opened))))
  const say = (text: string) => ada.send(JSON.stringify({ type: "hello", clientId: "ada", text }))
  say("hello")
  say("that was all")
  await promise
  expect(heard.filter((text) => text.includes("peer_id"))).toEqual([])
  for (const one of [ada, ben]) one.close()
  forged[Symbol.dispose]()
})
