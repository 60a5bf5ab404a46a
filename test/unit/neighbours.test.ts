// The short way between nodes of one machine: what travels by it, over real Unix sockets, and what becomes of it when the other
// side does not answer.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { decodeNearBatch, type Neighbours, Shortcuts } from "../../src/cluster/neighbours.ts"
import { encodeRelays } from "../../src/cluster/node-message.ts"
import type { Log } from "../../src/log.ts"
import { makePeerId, type NodeId, type RoomKey } from "../../src/rooms/ids.ts"
import type { Relay } from "../../src/rooms/room-store.ts"
import { NeighbourSockets } from "../../src/workers/neighbour-sockets.ts"
import { poll } from "../helpers/redis.ts"

const [HERE, THERE] = ["here", "there"] as [NodeId, NodeId]
const SILENT = { info() {}, warn() {}, error() {}, debug() {} } as unknown as Log

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "palava-near-"))
})
afterAll(() => rmSync(folder, { recursive: true }))

const relayOf = (text: string, after?: Relay["after"]): Relay => ({
  ...{ room: "room" as RoomKey, from: makePeerId(), to: makePeerId() },
  ...{ text, after },
})

/** A frame of these bytes. */
function frameOf(body: Buffer): Buffer {
  const frame = Buffer.concat([Buffer.alloc(4), body])
  frame.writeUInt32BE(frame.length)
  return frame
}

/** Two ends, the way from the first to the second open. */
async function connect(take: (frame: Buffer) => Promise<void> | undefined) {
  const [one, other] = [new NeighbourSockets(folder, SILENT), new NeighbourSockets(folder, SILENT)]
  other.listen(THERE, take)
  await poll(() => one.isNear(THERE))
  return {
    send: (frame: Buffer) => one.send(THERE, frame),
    other,
    [Symbol.dispose]() {
      one.close()
      other.close()
    },
  }
}

test("a batch arrives with its number, what it is behind, and each relay's place in the log", async () => {
  const frames: Buffer[] = []
  const neighbours: Neighbours = {
    listen() {},
    close() {},
    isNear: () => true,
    send: async (_, frame) => frames.push(frame) > 0,
  }
  let isLeased = true
  const shortcuts = new Shortcuts({ neighbours, isLeased: () => isLeased })
  const place = { epoch: "e", seq: 7 }
  const relays = [relayOf("ä", place), relayOf("b", { ...place }), relayOf("", { epoch: "f", seq: 1 })]
  const send = (batch: readonly Relay[]) => shortcuts.send(3, THERE, batch, encodeRelays(HERE, 9, batch))
  expect(await send(relays)).toBe(false)
  shortcuts.wentOverRedis(3, THERE, 8)
  expect(await send(relays)).toBe(true)
  expect(decodeNearBatch(frames[0] as Buffer)).toEqual({
    partition: 3,
    behind: 8,
    batch: { kind: "relays", sender: HERE, number: 9, relays },
  })
  // One without a place goes the way of the log, and so does what a node says that may have been swept.
  expect(await send([...relays, relayOf("c")])).toBe(false)
  isLeased = false
  expect(await send(relays)).toBe(false)
  expect(frames).toHaveLength(1)
})

test("a frame that cannot be read is none", () => {
  const batch = encodeRelays(HERE, 1, [relayOf("a")])
  const head = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)])
  expect(decodeNearBatch(frameOf(Buffer.concat([head("0 0\ne 1"), batch])))?.batch.number).toBe(1)
  for (const broken of [
    Buffer.alloc(0),
    Buffer.from([255, 255, 255, 255]),
    Buffer.concat([head("0 0\ne 1"), batch.subarray(1)]),
    Buffer.concat([head("0 0"), batch]),
    Buffer.concat([head("0 0\ne 1\ne 2"), batch]),
    Buffer.concat([head("0 x\ne 1"), batch]),
  ]) {
    expect(decodeNearBatch(frameOf(broken))).toBeUndefined()
  }
})

test("frames of any size arrive whole and in order, also when one has to wait", async () => {
  const sizes = [0, 1, 3_000_000, 5, 70_000, 0, 1_000_000]
  const taken: number[] = []
  const waiting = Promise.withResolvers<void>()
  using way = await connect((frame) => {
    taken.push(frame.length - 4)
    return taken.length === 2 ? waiting.promise : undefined
  })
  const answers = sizes.map((size) => way.send(frameOf(Buffer.alloc(size, 7))))
  expect(await answers[0]).toBe(true)
  await poll(() => taken.length === 2)
  // What is sent now, and heard, shows that nothing else came: it has the same way.
  const later = way.send(frameOf(Buffer.alloc(9)))
  expect(taken).toEqual([0, 1])
  waiting.resolve()
  expect((await Promise.all([...answers, later])).every(Boolean)).toBe(true)
  expect(taken).toEqual([...sizes, 9])
})

test("what is refused, too long, cut off or not answered is not sent", async () => {
  {
    using way = await connect(() => Promise.reject(new Error("no")))
    expect(await way.send(frameOf(Buffer.alloc(1)))).toBe(false)
    expect(await way.send(frameOf(Buffer.alloc(1)))).toBe(false)
  }
  {
    using way = await connect(() => undefined)
    expect(await way.send(frameOf(Buffer.alloc(17 * 1_048_576)))).toBe(false)
    const lie = Buffer.alloc(8)
    lie.writeUInt32BE(2)
    expect(await way.send(lie)).toBe(false)
  }
  {
    using way = await connect(() => new Promise(() => {}))
    const answer = way.send(frameOf(Buffer.alloc(1)))
    way.other.close()
    expect(await answer).toBe(false)
  }
  {
    using way = await connect(() => new Promise(() => {}))
    const begin = performance.now()
    expect(await way.send(frameOf(Buffer.alloc(1)))).toBe(false)
    expect(performance.now() - begin).toBeGreaterThan(900)
  }
  expect(readdirSync(folder)).toEqual([])
})

test("a way that was lost is found again", async () => {
  const one = new NeighbourSockets(folder, SILENT)
  expect(one.isNear(THERE)).toBe(false)
  for (let time = 0; time < 2; time++) {
    const other = new NeighbourSockets(folder, SILENT)
    other.listen(THERE, () => undefined)
    await poll(() => one.isNear(THERE))
    expect(await one.send(THERE, frameOf(Buffer.alloc(1)))).toBe(true)
    other.close()
    await poll(() => !one.isNear(THERE))
  }
  one.close()
})
