// What is not a client's to resume: each gets a clear error, and nobody loses anything.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { startNode, type TestNode } from "../helpers/node.ts"
import { RawSocket, textFrame } from "../helpers/raw-socket.ts"
import { errorOf, Member } from "./member.ts"

const FAILED = errorOf("resume_failed", "cannot resume")
const NOT_SENT = errorOf("invalid_message", "invalid message: received is not a number of frames that were sent")

let node: TestNode
beforeAll(async () => {
  node = await startNode(["--log-level", "debug", "--max-frame-bytes", "2097152"])
})
afterAll(() => node.stop())

/** Asks on a connection of its own. */
async function ask(fields: object): Promise<object> {
  using socket = await RawSocket.open(node.port)
  socket.write(textFrame({ event: "resume", ...fields }))
  return await socket.nextEvent()
}

test("a token that is none, of another, of nobody, or was used; and then the right one is as good as before", async () => {
  const ada = await Member.join(node.port, "tokens")
  const eve = await Member.join(node.port, "tokens")
  const used = ada.token
  await ada.next("new_peer")
  await ada.resume()
  await ada.drain()
  ada.cut()
  const [nodeId, room, peer, secret = ""] = ada.token.split(".")
  const [, , otherPeer, otherSecret] = eve.token.split(".")
  const other = "0".repeat(36)
  for (const token of [
    undefined,
    null,
    1,
    {},
    [ada.token],
    "",
    used,
    ada.token.slice(0, -1),
    `${ada.token}A`,
    `${ada.token}\n`,
    ada.token.toUpperCase(),
    [nodeId, room, peer, `${secret.slice(0, -2)}AA`].join("."),
    [nodeId, room, peer, otherSecret].join("."),
    [nodeId, room, otherPeer, secret].join("."),
    [nodeId, "0".repeat(64), peer, secret].join("."),
    [other, room, peer, secret].join("."),
    [nodeId, room, other, secret].join("."),
    "x".repeat(1_048_576),
    `${ada.token}${".".repeat(1_048_576)}`,
  ]) {
    expect(await ask({ token, received: ada.received })).toEqual(FAILED)
  }
  expect(await eve.drain()).toEqual([])
  expect((await ada.resume()).complete).toBe(true)
  expect(await ada.drain()).toEqual([])
})

test("a number of frames that is none, or beyond those sent", async () => {
  const ada = await Member.join(node.port, "numbers")
  ada.cut()
  for (const received of [undefined, null, "1", -1, 0.5, 1e300, [], {}]) {
    expect(await ask({ token: ada.token, received })).toEqual(errorOf("invalid_message", "invalid message"))
  }
  expect(await ask({ token: ada.token, received: ada.received + 1 })).toEqual(NOT_SENT)
  expect((await ada.resume()).complete).toBe(true)
  for (const received of [null, "1", -1, 0.5, 1e300, 1_000]) {
    ada.say({ event: "ping", received })
    expect(await ada.next()).toEqual(NOT_SENT as never)
  }
  ada.cut()
  expect((await ada.resume()).complete).toBe(true)
  expect(await ada.drain()).toEqual([])
})

test("in mid-room: nothing changes, and the token is as good as before", async () => {
  const ada = await Member.join(node.port, "mid-room")
  const bob = await Member.join(node.port, "mid-room")
  await ada.next("new_peer")
  bob.cut()
  ada.say({ event: "resume", token: bob.token, received: bob.received, ref: 7 })
  expect(await ada.next()).toEqual({ ...errorOf("already_joined", "already joined another room"), ref: 7 } as never)
  expect((await bob.resume()).complete).toBe(true)
  ada.tell(bob, 1)
  await ada.drain()
  expect(await bob.drain()).toEqual([{ event: "message", text: 1, sender_id: ada.id }])
})

test("two connections with one token: the later one is the member, until one has shown that it has the next", async () => {
  const ada = await Member.join(node.port, "race")
  ada.cut()
  const used = ada.token
  const sockets = [await RawSocket.open(node.port), await RawSocket.open(node.port)] as const
  for (const socket of sockets) {
    socket.write(textFrame({ event: "resume", token: used, received: ada.received }))
    expect(await socket.nextEvent()).toMatchObject({ event: "resumed", complete: true })
  }
  expect(await sockets[0].closed).toBe(4509)
  sockets[1].write(textFrame({ event: "ping" }))
  expect(await sockets[1].nextEvent()).toEqual({ event: "pong", received: 2 })
  expect(await ask({ token: used, received: ada.received })).toEqual(FAILED)
  sockets[1][Symbol.dispose]()
})

test("who guesses is charged as for any message, and is closed", async () => {
  await using strict = await startNode(["--rate-per-second", "1", "--rate-burst", "10"])
  using eve = await RawSocket.open(strict.port)
  for (let n = 0; n < 1_100; n++) eve.write(textFrame({ event: "resume", token: "guess", received: 0 }))
  expect(await eve.closed).toBe(4029)
})

test("no token and no secret is in the log", async () => {
  const ada = await Member.join(node.port, "logged")
  ada.cut()
  await ask({ token: ada.token, received: -1 })
  await ada.resume()
  await ada.drain()
  for (const part of ada.token.split(".").slice(1)) expect(node.log()).not.toContain(part)
})
