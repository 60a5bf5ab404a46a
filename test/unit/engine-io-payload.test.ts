// Engine.IO 3 payloads: the examples that were seen on the wire, every text there and back, and bytes that are no payload.

import { expect, test } from "bun:test"
import fc from "fast-check"
import { decodeText, encodeBinary, encodeText } from "../../src/dialects/simplewebrtc/payload.ts"

const utf8 = (text: string) => new TextEncoder().encode(text)

/** No lone surrogates: UTF-8 has none. */
const anyPackets = fc.array(fc.string({ unit: "binary", minLength: 1 }), { minLength: 1, maxLength: 8 })

test("a binary payload has for each packet 0, its length in digits, 255, its UTF-8", () => {
  expect([...encodeBinary(["40", "ö🙂"])]).toEqual([
    0, 2, 255, 0x34, 0x30, 0, 6, 255, 0xc3, 0xb6, 0xf0, 0x9f, 0x99, 0x82,
  ])
  expect([...encodeBinary(["x".repeat(97)]).subarray(0, 5)]).toEqual([0, 9, 7, 255, 0x78])
})

test("a text payload is UTF-8 twice, and counts the bytes of the first time", () => {
  const payload = encodeText(['420["join","rööm🙂"]', "40"])
  expect(payload).toStartWith("24:420[")
  expect(payload).toEndWith("]2:40")
  expect(Buffer.from(payload).includes(Buffer.from([0xc3, 0x83, 0xc2, 0xb6]))).toBe(true)
  expect(decodeText(utf8(payload))).toEqual(['420["join","rööm🙂"]', "40"])
})

test("every text comes back as it was", () => {
  fc.assert(fc.property(anyPackets, (packets) => expect(decodeText(utf8(encodeText(packets)))).toEqual(packets)))
})

test("bytes that are no payload are refused, whatever they are", () => {
  for (const text of ["", ":", "0:", "2:4", "1:23", "-1:2", "+1:2", " 1:2", "1e0:2", "1:Ā", "2:Ã(", "123456789:2"]) {
    expect(decodeText(utf8(text))).toBeUndefined()
  }
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const packets = decodeText(bytes)
      if (packets !== undefined) expect(utf8(encodeText(packets)).length).toBeLessThanOrEqual(bytes.length)
    }),
  )
})
