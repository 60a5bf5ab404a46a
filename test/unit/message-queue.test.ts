// The queue behind a waiting handler: in order, bounded, and no slower when it is long.

import { expect, test } from "bun:test"
import fc from "fast-check"
import { MessageQueue } from "../../src/connections/message-queue.ts"

test("it is a queue, whatever comes when", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.string())), (steps) => {
      const queue = new MessageQueue({ waiting: 0 })
      const model: string[] = []
      for (const step of steps) {
        if (step === null) expect(queue.shift()).toBe(model.shift())
        else {
          expect(queue.push(step)).toBe(true)
          model.push(step)
        }
      }
      for (const text of model) expect(queue.shift()).toBe(text)
      expect(queue.shift()).toBeUndefined()
    }),
  )
})

test("16,384 messages wait, one more does not; taking one makes a place", () => {
  const queue = new MessageQueue({ waiting: 0 })
  for (let number = 0; number < 16_384; number++) expect(queue.push(`${number}`)).toBe(true)
  expect(queue.push("x")).toBe(false)
  expect(queue.shift()).toBe("0")
  expect(queue.push("last")).toBe(true)
  for (let number = 1; number < 16_384; number++) expect(queue.shift()).toBe(`${number}`)
  expect([queue.shift(), queue.shift()]).toEqual(["last", undefined])
})

test("4 Mi characters wait, one more does not", () => {
  const queue = new MessageQueue({ waiting: 0 })
  const quarter = "x".repeat(1024 * 1024)
  for (let count = 0; count < 4; count++) expect(queue.push(quarter)).toBe(true)
  expect(queue.push("x")).toBe(false)
  expect(queue.push("")).toBe(true)
  queue.shift()
  expect(queue.push("x")).toBe(true)
})

test("what is never empty stays in order, taken or not", () => {
  const queue = new MessageQueue({ waiting: 0 })
  for (let number = 0; number < 200_000; number++) {
    queue.push(`${number}`)
    if (number >= 5_000) expect(queue.shift()).toBe(`${number - 5_000}`)
  }
})

test("what waits is counted at its place, until it is taken or unwanted", () => {
  const place = { waiting: 0 }
  const [one, other] = [new MessageQueue(place), new MessageQueue(place)]
  for (const text of ["a", "b", "c"]) for (const queue of [one, other]) queue.push(text)
  one.shift()
  expect(place.waiting).toBe(5)
  one.end()
  expect(place.waiting).toBe(3)
  for (let count = 0; count < 5; count++) other.shift()
  expect(place.waiting).toBe(0)
})
