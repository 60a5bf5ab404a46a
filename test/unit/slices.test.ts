// Long work that lets others have their turn.

import { expect, test } from "bun:test"
import { Slices } from "../../src/slices.ts"

/** Time that passes by what is done, and turns that are taken one by one. */
function makeLoop() {
  const soon: (() => void)[] = []
  const clock = {
    now: 0,
    monotonicMs: () => clock.now,
    unixMs: () => clock.now,
    after: () => () => {},
    soon: (call: () => void) => {
      soon.push(call)
    },
  }
  return { clock, next: () => soon.shift()?.() }
}

test("each item once and in order, those that come meanwhile too; no turn takes longer than 6 ms and what is under way", () => {
  const { clock, next } = makeLoop()
  const items = new Map(Array.from({ length: 100 }, (_, index) => [index, index]))
  const seen: number[] = []
  let isDone = false
  const call = ([item]: [number, number]): void => {
    seen.push(item)
    clock.now += 1
  }
  const slices = new Slices(clock)
  slices.each(items, call, () => {
    isDone = true
  })
  expect(seen.length).toBe(8)
  items.delete(50)
  items.set(100, 100)
  // It is under way, and not begun anew.
  slices.each([[0, 0]], call)
  let turns = 1
  for (; !isDone; turns++) next()
  expect(seen).toEqual([...items.keys()])
  expect(turns).toBe(13)
  slices.each([[7, 7]], call)
  expect(seen.at(-1)).toBe(7)
})

test("it ends where it is told to", () => {
  const seen: number[] = []
  new Slices(makeLoop().clock).each([1, 2, 3], (item) => seen.push(item) < 2)
  expect(seen).toEqual([1, 2])
})
