// Whose turn it is when there is more to do than the event loop should be held for.

import { expect, test } from "bun:test"
import type { Clock } from "../../src/clock.ts"
import { Turns } from "../../src/connections/turns.ts"

/** Time that passes when a test says so, and turns of the loop that it takes one by one. */
class Loop implements Clock {
  now = 0
  readonly #soon: (() => void)[] = []
  monotonicMs = (): number => this.now
  unixMs = (): number => this.now
  after = () => () => {}
  soon = (call: () => void): void => {
    this.#soon.push(call)
  }

  /** @returns how many had asked for it */
  next(): number {
    const calls = this.#soon.splice(0)
    for (const call of calls) call()
    return calls.length
  }
}

const PLACE = {}

/** As many messages as it takes for a look at the clock. */
function look(turns: Turns): boolean {
  for (let message = 1; message < 16; message++) turns.isOver()
  return turns.isOver()
}

test("a turn is over after a time, and the next one is not", () => {
  const loop = new Loop()
  const turns = new Turns(loop)
  expect(look(turns)).toBe(false)
  loop.now += 3
  expect(look(turns)).toBe(false)
  loop.now += 3
  expect(look(turns)).toBe(true)
  loop.next()
  expect(look(turns)).toBe(false)
})

test("the ends of short turns are asked for now and then only", () => {
  const loop = new Loop()
  const turns = new Turns(loop)
  let asked = 0
  for (let turn = 0; turn < 100; turn++) {
    loop.now += 0.5
    expect(look(turns)).toBe(false)
    asked += loop.next()
  }
  expect(asked).toBeLessThanOrEqual(100 / 6)
})

test("who has just come is ahead of those of which some was taken", () => {
  const loop = new Loop()
  const turns = new Turns(loop)
  const order: string[] = []
  const waiter = (name: string, times: number) => ({
    place: PLACE,
    goOn(): boolean {
      order.push(name)
      if (--times > 0) turns.wait(this, false)
      // Each takes half of a turn.
      loop.now += 3
      look(turns)
      return false
    },
    times,
  })
  turns.wait(waiter("first", 3), true)
  turns.wait(waiter("second", 3), true)
  loop.next()
  expect(order).toEqual(["first", "second"])
  turns.wait(waiter("third", 1), true)
  loop.next()
  expect(order).toEqual(["first", "second", "third", "first"])
  loop.next()
  loop.next()
  expect(order).toEqual(["first", "second", "third", "first", "second", "first", "second"])
})

test("each place has its turn, however many wait of another", () => {
  const loop = new Loop()
  const turns = new Turns(loop)
  const order: string[] = []
  const [crowd, other] = [{}, {}]
  const wait = (place: object, name: string): void => {
    turns.wait({ place, goOn: () => order.push(name) < 0 }, true)
  }
  for (let number = 0; number < 4; number++) wait(crowd, `crowd ${number}`)
  for (let number = 0; number < 2; number++) wait(other, `other ${number}`)
  loop.next()
  expect(order).toEqual(["crowd 0", "other 0", "crowd 1", "other 1", "crowd 2", "crowd 3"])
})

test("what is done behind the turn, when nobody looks, is more each time as long as turns are short", () => {
  const loop = new Loop()
  const turns = new Turns(loop)
  let done = 0
  for (let number = 0; number < 100; number++) turns.wait({ place: PLACE, goOn: () => ++done > 0 }, true)
  const inTurns = [0, 7, 0, 0].map((took) => {
    const before = done
    loop.now += took
    loop.next()
    return done - before
  })
  expect(inTurns).toEqual([2, 1, 2, 4])
})

test("a call is made in a later turn, and gives what it gives or throws", async () => {
  const loop = new Loop()
  const turns = new Turns(loop)
  const given = turns.take(PLACE, () => "given")
  const thrown = turns.take(PLACE, () => {
    throw new Error("thrown")
  })
  loop.next()
  expect(await given).toBe("given")
  await expect(thrown).rejects.toThrow("thrown")
})
