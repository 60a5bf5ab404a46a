// Slots: so many commands under way at once, the rest in the order in which they came.

import { expect, test } from "bun:test"
import { type Clock, SYSTEM_CLOCK } from "../../src/clock.ts"
import { Slots } from "../../src/cluster/slots.ts"

test("who finds none left waits for one to be given back, first come first served, and learns how long", async () => {
  let now = 0
  const clock: Clock = { ...SYSTEM_CLOCK, monotonicMs: () => now }
  const slots = new Slots(clock)
  const turns = Array.from({ length: 34 }, () => slots.take())
  expect(turns.filter((turn) => turn === undefined).length).toBe(32)
  const waited: [string, number | undefined][] = []
  const [first, second] = turns.slice(32).map((turn, at) => turn?.then((ms) => waited.push([`waiter ${at}`, ms])))
  now = 5
  slots.give()
  await first
  now = 7
  slots.give()
  await second
  expect(waited).toEqual([
    ["waiter 0", 5],
    ["waiter 1", 7],
  ])
  slots.give()
  expect([slots.take(), typeof slots.take()]).toEqual([undefined, "object"])
})

test("those that wait are bounded", () => {
  const slots = new Slots(SYSTEM_CLOCK)
  for (let taken = 0; taken < 32 + 49_999; taken++) slots.take()
  expect(slots.isFull).toBe(false)
  slots.take()
  expect(slots.isFull).toBe(true)
  slots.give()
  expect(slots.isFull).toBe(false)
})
