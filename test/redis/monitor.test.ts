// What Redis is asked, as MONITOR shows it: one script call a join, nothing for what stays inside a node, few publishes
// for many relays; and never a room's name, an address or a session description kept.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect } from "node:net"
import { makePeerId, toRoomKey } from "../../src/rooms/ids.ts"
import { join, joinOf } from "../conformance/recorder.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"
import { makePrefix, startStore } from "../helpers/redis-stores.ts"

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
}, 30_000)

afterAll(() => redis[Symbol.asyncDispose]())

/** The lines of MONITOR while `act` runs. */
async function monitor(act: () => Promise<void>): Promise<string[]> {
  const socket = connect(redis.port, "127.0.0.1")
  let text = ""
  let onText = () => {}
  socket.on("data", (bytes) => {
    text += bytes
    onText()
  })
  const until = (part: string) =>
    new Promise<void>((resolve) => {
      onText = () => {
        if (text.includes(part)) resolve()
      }
      onText()
    })
  socket.write("MONITOR\r\n")
  await until("+OK")
  await act()
  await redis.cli("ECHO", "that was all")
  await until("that was all")
  socket.destroy()
  return text.split("\r\n").filter((line) => line.startsWith("+") && !line.includes("that was all") && line !== "+OK")
}

/** The commands that clients sent, without what scripts did. */
function commandsOf(lines: readonly string[]): string[] {
  return lines
    .filter((line) => !line.includes(" lua] "))
    .map((line) => line.match(/\] "(\w+)"/)?.[1]?.toUpperCase() ?? line)
}

test("a join, a leave and a status cost one script call each, once Redis knows the scripts", async () => {
  const options = { urls: [redis.url], prefix: makePrefix() }
  await using a = await startStore(options)
  await using b = await startStore(options)
  const room = toRoomKey("a very private name")
  const live = async () => {
    const [one, two] = [makePeerId(), makePeerId()]
    await join(a.store, joinOf(room, one))
    await join(b.store, joinOf(room, two))
    await a.store.updateStatus(room, one, 2, '{"x":1}')
    await a.store.leave(room, one, 1)
    const left = await b.store.leave(room, two, 1)
    await b.heard.reached(room, left)
  }
  await live()
  const lines = await monitor(live)
  expect(commandsOf(lines)).toEqual(["EVALSHA", "EVALSHA", "EVALSHA", "EVALSHA", "EVALSHA"])
  const announced = lines.filter((line) => line.includes(' lua] "PUBLISH"') || line.includes(' lua] "publish"'))
  // One to each node with members: 1 for the first join, 2 while both are in, 1 for the last leave.
  expect(announced).toHaveLength(1 + 2 + 2 + 2 + 1)
  expect(lines.join("\n")).not.toContain("private")
})

test("what changes in one turn is one script call, and one message to each node that hears of it", async () => {
  const options = { urls: [redis.url], prefix: makePrefix() }
  await using a = await startStore(options)
  await using b = await startStore(options)
  const rooms = Array.from({ length: 20 }, (_, at) => toRoomKey(`room ${at}`))
  const peers = rooms.map(() => makePeerId())
  const stays = makePeerId()
  await Promise.all(rooms.map((room) => join(b.store, joinOf(room, stays))))
  const lines = await monitor(async () => {
    await Promise.all(
      rooms.map(async (room, at) => {
        const { epoch } = await join(a.store, joinOf(room, peers[at] ?? stays))
        await b.heard.reached(room, { epoch, seq: 2 })
      }),
    )
  })
  expect(commandsOf(lines)).toEqual(["EVALSHA"])
  expect(lines.filter((line) => line.includes(' lua] "PUBLISH"'))).toHaveLength(2)
})

test("a join with a bad status costs Redis nothing, and does not tell whether the room is full", async () => {
  const common = ["--redis", redis.url, "--redis-prefix", makePrefix(), "--room-size", "2"]
  await using node = await startNode(common)
  await using cleanup = new AsyncDisposableStack()
  for (let count = 0; count < 2; count++) {
    const member = cleanup.use(await TestClient.connect(node.url))
    await member.join("full", { text: "x".repeat(4_000) })
  }
  const outsider = cleanup.use(await TestClient.connect(node.url))
  const answersTo = async (status: object): Promise<unknown[]> => {
    const answers: unknown[] = []
    for (const room of ["full", "full", "empty"]) answers.push((await outsider.join(room, status))["id"])
    return answers
  }
  const touchesRooms = (lines: readonly string[]) => lines.some((line) => line.includes(":room:"))
  const refused = await monitor(async () => {
    expect(await answersTo({ name: " " })).toEqual(["blank_name", "blank_name", "blank_name"])
    expect(await answersTo({ text: "x".repeat(4_100) })).toEqual(Array(3).fill("invalid_status"))
  })
  expect(touchesRooms(refused)).toBe(false)
  const full = await monitor(async () => {
    expect((await outsider.join("full", { name: "Ada" }))["id"]).toBe("room_full")
  })
  expect(touchesRooms(full)).toBe(true)
})

test("relays of one turn are one publish; under load 400 in flight cost less than a fifth of a command each", async () => {
  const options = { urls: [redis.url], prefix: makePrefix() }
  await using a = await startStore(options)
  await using b = await startStore(options)
  const [room, from, to] = [toRoomKey("r"), makePeerId(), makePeerId()]
  const text = JSON.stringify({ event: "offer", sdp: "v=0 192.0.2.1", sender_id: from })
  const relay = { room, from, to, text }
  const oneTurn = await monitor(async () => {
    for (let at = 0; at < 400; at++) a.store.relay(b.store.node, relay, undefined)
    await b.heard.until(() => b.heard.relays.length === 400)
  })
  expect(commandsOf(oneTurn)).toEqual(["PUBLISH"])
  const total = 20_000
  let sent = 400
  const load = await monitor(async () => {
    const window = { inFlight: 0 }
    const send = () => {
      while (window.inFlight < 400 && sent < total) {
        window.inFlight++
        sent++
        a.store.relay(b.store.node, relay, undefined)
      }
    }
    const onRelay = b.heard.onRelay.bind(b.heard)
    b.heard.onRelay = (heard) => {
      window.inFlight--
      queueMicrotask(send)
      onRelay(heard)
    }
    send()
    await b.heard.until(() => b.heard.relays.length === total)
  })
  expect(commandsOf(load).length / (total - 400)).toBeLessThan(0.2)
  expect(await redis.cli("KEYS", "*")).not.toContain(room)
})
