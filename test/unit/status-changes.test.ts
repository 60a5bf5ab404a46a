// Status changes of one member, many at once: what the room is told, and what becomes of what waits.

import { expect, test } from "bun:test"
import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import { StoreUnavailable } from "../../src/rooms/room-store.ts"
import { type PlainClient, PlainNode, settle } from "../helpers/plain-node.ts"

/** How many are told at once, and the interval of those behind them. */
const AT_ONCE = 5
const INTERVAL_MS = 100

/** Answers that it is away, once it is. */
class Store extends MemoryRoomStore {
  isAway = false

  override async updateStatus(
    ...args: Parameters<MemoryRoomStore["updateStatus"]>
  ): ReturnType<MemoryRoomStore["updateStatus"]> {
    if (this.isAway) throw new StoreUnavailable("away")
    return super.updateStatus(...args)
  }
}

async function started(): Promise<{ store: Store; node: PlainNode; client: PlainClient }> {
  const store = new Store()
  const node = await PlainNode.start(store)
  const client = node.connect()
  client.send({ event: "join_room", room_id: "room" })
  await settle()
  client.take()
  return { store, node, client }
}

async function change(client: PlainClient, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) client.send({ event: "update_status", status: { [`n${n}`]: n }, ref: n })
  await settle()
}

const keysOf = (client: PlainClient): number[] =>
  client.take().map(({ status }) => Object.keys(status as object).length)

test("a few at once are told each; of those behind them, in each interval, the last, merged of all", async () => {
  const { node, client } = await started()
  await change(client, 1, 20)
  expect(keysOf(client)).toEqual([1, 2, 3, 4, 5])
  node.clock.pass(INTERVAL_MS)
  await settle()
  expect(keysOf(client)).toEqual([20])
  await change(client, 21, 30)
  node.clock.pass(INTERVAL_MS)
  await settle()
  expect(keysOf(client)).toEqual([30])
  for (let n = 0; n < AT_ONCE; n++) node.clock.pass(INTERVAL_MS)
  await change(client, 31, 32)
  expect(keysOf(client)).toEqual([31, 32])
})

test("one that waits and then fails is told to its member, with its ref, and the next is merged into what was", async () => {
  const { store, node, client } = await started()
  await change(client, 1, 9)
  client.take()
  store.isAway = true
  node.clock.pass(INTERVAL_MS)
  await settle()
  expect(client.take()).toMatchObject([{ event: "error", id: "unavailable", ref: 9 }])
  store.isAway = false
  await change(client, 10, 10)
  node.clock.pass(INTERVAL_MS)
  await settle()
  expect(keysOf(client)).toEqual([AT_ONCE + 1])
})
