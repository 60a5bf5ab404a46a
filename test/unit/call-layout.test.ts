// The tiles of the demo page: all inside, none over another, as large as the best grid allows.

import { expect, test } from "bun:test"
import fc from "fast-check"
import { arrange, arrangeAround, type Box } from "../../src/web/call/layout.ts"

const overlap = (a: Box, b: Box) =>
  a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height

test.each([
  ["alike", arrange],
  ["around a large one", arrangeAround],
])("tiles lie inside the stage and never over each other: %s", (_, arrange) => {
  const size = fc.integer({ min: 200, max: 4000 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), size, size, (count, width, height) => {
      const boxes = arrange(count, width, height)
      expect(boxes).toHaveLength(count)
      for (const [index, box] of boxes.entries()) {
        expect(Math.min(box.left, box.top)).toBeGreaterThanOrEqual(-1)
        expect(box.left + box.width).toBeLessThanOrEqual(width + 1)
        expect(box.top + box.height).toBeLessThanOrEqual(height + 1)
        for (const other of boxes.slice(index + 1)) expect(overlap(box, other)).toBe(false)
      }
    }),
  )
})

test("a phone stacks two, a screen puts them side by side", () => {
  const columnsOf = (count: number, width: number, height: number) =>
    new Set(arrange(count, width, height).map(({ left }) => left)).size
  expect(columnsOf(2, 390, 700)).toBe(1)
  expect(columnsOf(2, 1280, 650)).toBe(2)
  expect(columnsOf(6, 390, 700)).toBe(2)
  expect(columnsOf(6, 1280, 650)).toBe(3)
})

test("the large one is by far the largest, beside the others or above them", () => {
  for (const [width, height] of [
    [1280, 650],
    [390, 700],
  ] as const) {
    const [large, ...others] = arrangeAround(5, width, height).map((box) => box.width * box.height)
    expect(large).toBeGreaterThan(6 * Math.max(...others))
  }
})

test("no stage, no tiles", () => {
  expect(arrange(3, 0, 500)).toEqual([])
  expect(arrange(0, 500, 500)).toEqual([])
})
