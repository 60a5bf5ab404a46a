// The short way through a PeerJS frame and the slow one say the same of every frame: what is passed on is what
// JSON.parse and JSON.stringify make of it, and nothing of the sender's but type, dst and payload.

import { expect, test } from "bun:test"
import * as fc from "fast-check"
import { decodeFrame, type Frame, passed } from "../../src/dialects/peerjs/frame.ts"
import { jsonValue } from "../helpers/json-values.ts"

const SEED = Number(process.env["SEED"] ?? Date.now() % 2 ** 31)
console.log(`peerjs-frame: SEED=${SEED}`)

/** What is passed on of a frame, or why nothing is. */
function passOn(text: string): string | undefined {
  const frame: Frame = { type: "", dst: "", payload: undefined }
  const wrong = decodeFrame(text, frame)
  return wrong ?? passed(frame.type, "sender", frame.dst, frame.payload)
}

/** The same by way of JSON alone. */
function expected(text: string): unknown {
  let message: Record<string, unknown>
  try {
    message = JSON.parse(text)
  } catch {
    return "invalid_message"
  }
  if (typeof message !== "object" || message === null || Array.isArray(message)) return "invalid_message"
  const { type, dst, payload } = message
  if (typeof type !== "string" || !["OFFER", "ANSWER", "CANDIDATE"].includes(type)) return "unknown_type"
  if (typeof dst !== "string" || dst === "") return "invalid_message"
  return { type, src: "sender", dst, payload }
}

/** Both must agree; a payload is compared as its reader reads it. */
function compare(text: string): void {
  const actual = passOn(text)
  const wanted = expected(text)
  if (typeof wanted === "string") expect([text, actual]).toEqual([text, wanted])
  else expect([text, JSON.parse(actual ?? "")]).toEqual([text, JSON.parse(JSON.stringify(wanted))])
}

const type = fc.constantFrom("OFFER", "ANSWER", "CANDIDATE")
const plainKey = fc.stringMatching(/^[a-z]{1,9}$/)
const payload = fc.dictionary(plainKey, fc.oneof(jsonValue, fc.dictionary(plainKey, jsonValue, { maxKeys: 3 })), {
  maxKeys: 5,
})
const id = fc.oneof(
  fc.uuid(),
  fc.constantFrom("a", "__proto__", "ü 🙂", '"', "\\", "a\nb"),
  fc.string({ minLength: 1 }),
)

/** As the client of PeerJS writes it, and with the keys turned round. */
const frames = fc
  .record({ type, payload, dst: id, isTurned: fc.boolean() })
  .map(({ type, payload, dst, isTurned }) => JSON.stringify(isTurned ? { type, dst, payload } : { type, payload, dst }))

test("random frames: what is passed on is what they say", () => {
  fc.assert(fc.property(frames, compare), { seed: SEED, numRuns: 3_000 })
})

test("damaged frames: nothing is passed on that is no JSON, and nothing is forged", () => {
  const damaged = fc
    .record({ text: frames, at: fc.nat(), drop: fc.nat({ max: 3 }), piece: fc.constantFrom(...PIECES) })
    .map(({ text, at, drop, piece }) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + piece + text.slice(place + drop)
    })
  fc.assert(fc.property(damaged, compare), { seed: SEED, numRuns: 10_000 })
})

/** What may break or forge a frame. */
const PIECES = [
  ...["", "{", "}", "[", "]", '"', ",", ":", "\\", "0", "-", ".", "e5", " ", "\n", "\u0000", "null"],
  ...['"src":"forged",', ',"src":"forged"', '"dst":"other",', ',"type":"OPEN"', '"payload":{},', "}},", '"}', "{}"],
]

test("frames of a browser go the short way: their payload is passed on as it was written", () => {
  const sdp = '{"sdp":{"type":"offer","sdp":"v=0\\r\\no=- 1\\/2\\r\\n"},"type":"data","n":1.50,"metadata":{}}'
  for (const text of [
    `{"type":"OFFER","payload":${sdp},"dst":"other"}`,
    `{"type":"OFFER","dst":"other","payload":${sdp}}`,
  ]) {
    expect(passOn(text)).toBe(`{"type":"OFFER","src":"sender","dst":"other","payload":${sdp}}`)
  }
})

test("a payload may be nested in 98 levels", () => {
  const nested = (levels: number) => `{"type":"OFFER","dst":"a","payload":${"[".repeat(levels)}${"]".repeat(levels)}}`
  compare(nested(98))
  expect(passOn(nested(100))).toBe("invalid_message")
})
