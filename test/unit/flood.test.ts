// What one place may send in one turn of the event loop, when many of its connections begin a flood at once.

import { expect, test } from "bun:test"
import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import { PlainNode } from "../helpers/plain-node.ts"

/** 120,000 messages in all: a turn is over after some thousands, and then 16,384 of one place are taken in. */
const FLOODERS = 300
const MESSAGES = 400

test("who goes on with a flood is parted from, not its neighbours who say little, nor others", async () => {
  const node = await PlainNode.start(new MemoryRoomStore(), { realTime: true })
  const flooders = Array.from({ length: FLOODERS }, () => node.connect())
  const [neighbour, other] = [node.connect(), node.connect(undefined, "elsewhere")]
  for (const flooder of flooders) {
    for (let count = 0; count < MESSAGES; count++) flooder.send('{"event":"ping"}')
  }
  neighbour.send({ event: "ping", ref: "neighbour" })
  for (let ref = 0; ref < MESSAGES; ref++) other.send({ event: "ping", ref })
  const parted = flooders.filter(({ closed }) => closed?.code === 4029)
  expect(parted.length).toBeGreaterThan(FLOODERS / 2)
  while (neighbour.all.length < 1 || other.all.length < MESSAGES) await new Promise(setImmediate)
  expect(neighbour.take()).toEqual([{ event: "pong", ref: "neighbour" }])
  expect(other.take().map(({ ref }) => ref)).toEqual(Array.from({ length: MESSAGES }, (_, ref) => ref))
  expect([neighbour.closed, other.closed]).toEqual([undefined, undefined])
  expect(flooders.filter(({ closed }) => closed !== undefined)).toEqual(parted)
  expect(parted.every(({ all }) => all.length < MESSAGES)).toBe(true)
  await node.close()
})
