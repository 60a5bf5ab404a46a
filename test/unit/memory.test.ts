// What a node keeps against its total: nothing is ended as long as it is below, then whoever keeps most.

import { expect, test } from "bun:test"
import type { Close } from "../../src/connections/close.ts"
import { type Keeper, Memory, type Parting } from "../../src/connections/memory.ts"

class Holder implements Keeper {
  code: number | undefined
  queuedBytes: number
  unsentBytes: number
  readonly place: object

  constructor(queuedBytes: number, unsentBytes: number, place: object = {}) {
    this.queuedBytes = queuedBytes
    this.unsentBytes = unsentBytes
    this.place = place
  }

  get isClosed(): boolean {
    return this.code !== undefined
  }

  drop({ code }: Close): void {
    this.code = code
  }
}

function partingOf(unread: number): Parting & { ended: string; unread: number } {
  return {
    ended: "",
    unread,
    getBufferedAmount() {
      return this.unread
    },
    close(code) {
      this.ended = `close ${code}`
    },
    terminate() {
      this.ended = "terminated"
    },
  }
}

test("over the total, the greediest go, with the code of what was kept for them", () => {
  const counters = { closedForMemory: 0 }
  const memory = new Memory(1_000, counters)
  const [reader, flooder, small] = [new Holder(0, 600), new Holder(500, 0), new Holder(100, 90)]
  for (const holder of [small, flooder, reader]) memory.watch(holder)
  memory.onTick(1)
  expect([reader.code, flooder.code, small.code]).toEqual([1013, undefined, undefined])
  flooder.queuedBytes = 2_000
  memory.onTick(2)
  expect([flooder.code, small.code]).toEqual([4029, undefined])
  expect(counters.closedForMemory).toBe(2)
})

test("many with little from one place keep more than one with much", () => {
  const memory = new Memory(1_000, { closedForMemory: 0 })
  const lone = new Holder(0, 300)
  const place = {}
  const crowd = [10, 40, 20, 30, 50].map((tenths) => new Holder(tenths * 10, 0, place))
  for (const holder of [lone, ...crowd]) memory.watch(holder)
  memory.onTick(1)
  // Down to 900: 1,500 are the crowd's, of which its greediest go, until it has less than the other one.
  expect(crowd.map(({ code }) => code)).toEqual([undefined, 4029, undefined, undefined, 4029])
  expect(lone.code).toBeUndefined()
  lone.unsentBytes = 700
  memory.onTick(2)
  expect([lone.code, crowd[2]?.code]).toEqual([1013, undefined])
})

test("frames that are not whole count, as long as their connection is there", () => {
  const memory = new Memory(1_000, { closedForMemory: 0 })
  const [first, second] = [new Holder(0, 0), new Holder(0, 0)]
  memory.unfinished = new Map([
    [first, 600],
    [second, 500],
  ])
  memory.onTick(1)
  expect([first.code, second.code]).toEqual([4029, undefined])
  memory.onTick(2)
  expect(memory.bytes).toBe(500)
  memory.unfinished = new Map()
  memory.onTick(3)
  expect(memory.bytes).toBe(0)
})

test("what others keep counts, and what is given back is forgotten", () => {
  const memory = new Memory(1_000, { closedForMemory: 0 })
  let logs = 900
  memory.add(() => logs)
  const holder = new Holder(0, 50)
  memory.watch(holder)
  memory.onTick(1)
  expect([memory.bytes, holder.code]).toEqual([950, undefined])
  holder.unsentBytes = 0
  logs = 0
  memory.onTick(2)
  holder.unsentBytes = 5_000
  memory.onTick(3)
  // It is looked at again only once it says so.
  expect([memory.bytes, holder.code]).toEqual([0, undefined])
})

test("who is parted from gets the reason behind what it reads, and is ended without it when it does not", () => {
  const memory = new Memory(1_000, { closedForMemory: 0 })
  const [reads, doesNot] = [partingOf(100), partingOf(100)]
  for (const socket of [reads, doesNot]) memory.part(socket, { code: 1013, reason: "" }, 1)
  memory.onDrain(reads)
  reads.unread = 0
  memory.onDrain(reads)
  for (let tick = 2; tick < 40; tick++) memory.onTick(tick)
  expect([reads.ended, doesNot.ended]).toEqual(["close 1013", "terminated"])
})

test("over the total, those that are parted from go first", () => {
  const memory = new Memory(1_000, { closedForMemory: 0 })
  const [leaving, holder] = [partingOf(600), new Holder(0, 700)]
  memory.part(leaving, { code: 1013, reason: "" }, 1)
  memory.watch(holder)
  memory.onTick(2)
  expect([leaving.ended, holder.code]).toEqual(["terminated", undefined])
})
