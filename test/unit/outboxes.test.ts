// Relays to other nodes: what a leave waits for, and that it never waits for good.

import { expect, test } from "bun:test"
import { SYSTEM_CLOCK } from "../../src/clock.ts"
import { makeCounters } from "../../src/cluster/counters.ts"
import { decodeNodeMessage } from "../../src/cluster/node-message.ts"
import { Outboxes, type OutboxesOptions } from "../../src/cluster/outboxes.ts"
import { makePeerId, type NodeId, type PeerId, type RoomKey } from "../../src/rooms/ids.ts"
import type { Ref, RelayFailure } from "../../src/rooms/room-store.ts"

const TARGET = "target" as NodeId
const ROOM = "room" as RoomKey

function makeOutboxes(publish: OutboxesOptions["uplink"]["publish"], more: Partial<OutboxesOptions> = {}) {
  const failures: { from: PeerId; ref: Ref; error: RelayFailure }[] = []
  const warnings: string[] = []
  const counters = makeCounters()
  const outboxes = new Outboxes({
    node: "node" as NodeId,
    uplink: { publish },
    clock: SYSTEM_CLOCK,
    counters,
    log: { info() {}, warn: (message) => warnings.push(message) },
    waitMs: 5000,
    lastBatch: 0,
    channelOf: (partition, node) => `${partition}:${node}`,
    onFailed: ({ from }, ref, error) => failures.push({ from, ref, error }),
    ...more,
  })
  const relay = (from: PeerId, ref: Ref = undefined) =>
    outboxes.add(0, TARGET, { room: ROOM, from, to: makePeerId(), text: "{}" }, ref)
  return { outboxes, failures, warnings, counters, relay }
}

test("the batches behind number 2^32 go out as those before it", async () => {
  const numbers: number[] = []
  const { outboxes, relay, failures } = makeOutboxes(
    async (_channel, bytes) => {
      const message = decodeNodeMessage(bytes)
      if (typeof message === "object" && message.kind === "relays") numbers.push(message.number)
      return 1
    },
    { lastBatch: 2 ** 32 - 2 },
  )
  for (let count = 0; count < 3; count++) {
    relay(makePeerId())
    await outboxes.drained()
  }
  expect(numbers).toEqual([2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1])
  expect(failures).toEqual([])
})

test("a bug while sending is told to the senders, logged and counted, and no leave waits for it", async () => {
  const { outboxes, relay, failures, warnings, counters } = makeOutboxes(async () => {
    throw new TypeError("a bug")
  })
  const [one, two] = [makePeerId(), makePeerId()]
  relay(one, 1)
  relay(two, 2)
  await outboxes.settled(0, one)
  await outboxes.drained()
  expect(failures).toEqual([
    { from: one, ref: 1, error: "unavailable" },
    { from: two, ref: 2, error: "unavailable" },
  ])
  expect([warnings.length, counters.batchesFailed, counters.relaysUnavailable]).toEqual([1, 1, 2])
  // And the next batch gets its chance.
  relay(one, 3)
  await outboxes.settled(0, one)
  expect(failures).toHaveLength(3)
})

test("a bug of the one who is told does not keep a leave waiting either", async () => {
  const { outboxes, relay } = makeOutboxes(async () => Promise.reject(new TypeError("a bug")), {
    onFailed: () => {
      throw new TypeError("another bug")
    },
  })
  const from = makePeerId()
  relay(from)
  await outboxes.settled(0, from)
  expect(outboxes.settled(0, from)).toBeUndefined()
})

test("a leave waits for the sender's last batch, and only for that", async () => {
  const answers: (() => void)[] = []
  const { outboxes, relay } = makeOutboxes(() => new Promise((resolve) => answers.push(() => resolve(1))))
  const [one, two] = [makePeerId(), makePeerId()]
  const order: string[] = []
  const turn = () => new Promise(setImmediate)
  relay(one)
  await turn()
  relay(two)
  expect(outboxes.settled(0, makePeerId())).toBeUndefined()
  expect(outboxes.settled(1, one)).toBeUndefined()
  outboxes.settled(0, one)?.then(() => order.push("one"))
  outboxes.settled(0, two)?.then(() => order.push("two"))
  answers.shift()?.()
  await turn()
  expect(order).toEqual(["one"])
  expect(outboxes.settled(0, one)).toBeUndefined()
  answers.shift()?.()
  await turn()
  expect(order).toEqual(["one", "two"])
})

test("1,500 leaves with 64,000 relays waiting do not hold up the loop", () => {
  const { outboxes, relay } = makeOutboxes(() => new Promise(() => {}))
  const peers = Array.from({ length: 1500 }, makePeerId)
  for (let at = 0; at < 64_000; at++) relay(peers[at % 1000] as PeerId)
  const startedAt = performance.now()
  for (const peer of peers) outboxes.settled(0, peer)
  const tookMs = performance.now() - startedAt
  // Looking through all that waits took 451 ms.
  expect(tookMs).toBeLessThan(50)
})

test("what is handed in at any moment about the end of an outbox goes out", async () => {
  // The answer to the last batch and what else comes in the same turn are some promises apart: each distance is tried.
  for (let distance = 0; distance < 12; distance++) {
    const sent: number[] = []
    const answer = Promise.withResolvers<number>()
    const { outboxes, relay } = makeOutboxes((_channel, bytes) => {
      const message = decodeNodeMessage(bytes)
      if (typeof message === "object" && message.kind === "relays") sent.push(message.relays.length)
      return sent.length === 1 ? answer.promise : Promise.resolve(1)
    })
    relay(makePeerId())
    await new Promise(setImmediate)
    answer.resolve(1)
    for (let step = 0; step < distance; step++) await undefined
    relay(makePeerId())
    await new Promise(setImmediate)
    await outboxes.drained()
    expect([distance, sent]).toEqual([distance, [1, 1]])
  }
})

test("what waits for all nodes together is bounded, and taken again once some of it is gone", async () => {
  const gates: (() => void)[] = []
  const { outboxes, failures, counters } = makeOutboxes(() => new Promise((resolve) => gates.push(() => resolve(1))), {
    waitMs: 60_000,
  })
  const text = "x".repeat(256 * 1024)
  const add = (node: number): void =>
    outboxes.add(0, `node ${node}` as NodeId, { room: ROOM, from: makePeerId(), to: makePeerId(), text }, node)
  // 32 Mi of 256 Ki each, to as many nodes.
  for (let node = 0; node < 130; node++) add(node)
  expect(failures.map(({ ref, error }) => [ref, error])).toEqual([
    [128, "unavailable"],
    [129, "unavailable"],
  ])
  expect(counters.relaysOverflowed).toBe(2)
  await new Promise(setImmediate)
  for (const open of gates) open()
  await outboxes.drained()
  add(130)
  expect(failures).toHaveLength(2)
})
