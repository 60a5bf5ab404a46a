// MessagePack, read by hand, against the library: the same values, and nothing that arrives can do harm.

import { expect, test } from "bun:test"
import { decode, encode } from "@msgpack/msgpack"
import fc from "fast-check"
import { readPacked } from "../../src/cluster/message-pack.ts"

/** Lists of texts, numbers of every size, booleans and nulls, some in each other. */
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.integer({ min: -40, max: 300 }),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.array(tie("value"), { maxLength: 20 }),
  ),
})).value

test("what the library packs is read as the library reads it", () => {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = Buffer.from(encode(value))
      expect(readPacked(bytes)).toEqual(decode(bytes) as ReturnType<typeof readPacked>)
    }),
  )
  for (const size of [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
    const [list, text] = [Array.from({ length: size }, () => 1), "ß".repeat(size)]
    expect(readPacked(Buffer.from(encode([list, text])))).toEqual([list, text])
  }
  expect(readPacked(Buffer.from(encode(0.5, { forceFloat32: true })))).toBe(0.5)
})

test("what is cut off, or goes on, is no value", () => {
  fc.assert(
    fc.property(values, fc.nat(), (value, length) => {
      const bytes = Buffer.from(encode(value))
      expect(() => readPacked(bytes.subarray(0, length % bytes.length))).toThrow(RangeError)
      expect(() => readPacked(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(RangeError)
    }),
  )
})

test("maps, binaries, extensions, false lengths and deep nesting are refused at once", () => {
  for (const value of [{}, { a: 1 }, new Uint8Array(3), new Date()]) {
    expect(() => readPacked(Buffer.from(encode(value)))).toThrow(TypeError)
  }
  expect(() => readPacked(Buffer.from([0xc1]))).toThrow(TypeError)
  for (const head of [0xdb, 0xdd])
    expect(() => readPacked(Buffer.from([head, 255, 255, 255, 255, 1]))).toThrow(RangeError)
  expect(() => readPacked(Buffer.alloc(1_000_000, 0x91))).toThrow(RangeError)
})
