// The short way through a y-webrtc frame says nothing that JSON.parse does not say: what it takes is JSON, with that
// topic and nothing besides type and data.

import { expect, test } from "bun:test"
import * as fc from "fast-check"
import { topicOfPlain } from "../../src/dialects/y-webrtc/frame.ts"
import { jsonValue } from "../helpers/json-values.ts"

const SEED = Number(process.env["SEED"] ?? Date.now() % 2 ** 31)
console.log(`y-webrtc-frame: SEED=${SEED}`)

/** What JSON.parse says of a frame that the short way takes. */
function compare(text: string): void {
  const topic = topicOfPlain(text)
  if (topic === undefined) return
  const message = JSON.parse(text)
  expect([text, Object.keys(message), message.type, message.topic]).toEqual([
    text,
    ["type", "topic", "data"],
    "publish",
    topic,
  ])
}

const data = fc.oneof(jsonValue, fc.dictionary(fc.string(), fc.oneof(jsonValue, fc.dictionary(fc.string(), jsonValue))))
const topic = fc.oneof(fc.constantFrom("room", "ü 🙂", '"', "\\", "a\nb", "", "__proto__"), fc.string())
const frames = fc
  .record({ type: fc.constantFrom("publish", "subscribe"), topic, data })
  .map((message) => JSON.stringify(message))

test("frames as clients write them", () => {
  fc.assert(fc.property(frames, compare), { seed: SEED, numRuns: 2_000 })
})

test("frames with a place that is wrong", () => {
  const broken = fc.record({
    text: frames,
    at: fc.nat(),
    length: fc.nat(2),
    by: fc.constantFrom("", '"', "}", ",", "\\", "{", "\n"),
  })
  fc.assert(
    fc.property(broken, ({ text, at, length, by }) => {
      const from = at % text.length
      compare(text.slice(0, from) + by + text.slice(from + length))
    }),
    { seed: SEED, numRuns: 5_000 },
  )
})

test("what clients send goes the short way", () => {
  const sdp = "v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\n"
  for (const data of [
    { type: "announce", from: "5cdc0b11" },
    { to: "a", from: "b", type: "signal", token: 0.25, signal: { type: "offer", sdp } },
    "AAEC/wAB+w==",
  ])
    for (const topic of ["room", "ü 🙂", "other room"])
      expect(topicOfPlain(JSON.stringify({ type: "publish", topic, data }))).toBe(topic)
  for (const frame of [
    { type: "publish", topic: "", data: {} },
    { type: "publish", topic: "a\nb", data: {} },
    { type: "publish", topic: "room" },
    { type: "publish", topic: "room", data: {}, clients: 99 },
    { topic: "room", type: "publish", data: {} },
  ])
    expect(topicOfPlain(JSON.stringify(frame))).toBeUndefined()
  expect(topicOfPlain('{"type":"publish","topic":"room","data":"a"b"}')).toBeUndefined()
})
