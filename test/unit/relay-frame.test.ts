// The fast way through a relayed frame against the slow one: what it accepts, the slow way would relay, as the same
// data; what a browser sends, it accepts. Random frames, damaged frames, and the tricks that a forger would try.

import { expect, test } from "bun:test"
import fc from "fast-check"
import { checkFields, decodeFrame, isRefusal, refuseRelayData } from "../../src/dialects/palava/client-events.ts"
import { decodeRelayFrame, type RelayFrame } from "../../src/dialects/palava/relay-frame.ts"
import { relayed } from "../../src/dialects/palava/server-events.ts"
import type { PeerId } from "../../src/rooms/ids.ts"

/** Any number repeats a run: SEED=<number>. */
const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31)
const runs = Number(process.env["RUNS"] ?? 1_000)
/** 60 s: a thousand runs take half a second, on a machine that does nothing else. */
const LONG_MS = 60_000
console.log(`relay-frame: SEED=${seed}`)

const PEER = "3f2b8c1e-9a4d-4e6f-8b7a-1c2d3e4f5a6b"
const SENDER = "0d9f6c1c-2f9e-4c51-9a55-7f6d0ad0a8b1" as PeerId
const EVENTS = ["offer", "answer", "ice_candidate", "message"]

/** What the slow way would relay, or undefined: the decoder and the checks of the server itself. */
function relayedSlowly(text: string): { peerId: unknown; text: string } | undefined {
  const envelope = decodeFrame(text)
  if (isRefusal(envelope) || envelope.event !== "send_to_peer") return undefined
  const fields = checkFields("send_to_peer", envelope)
  if (isRefusal(fields) || refuseRelayData(fields.data) !== undefined) return undefined
  return { peerId: fields.peer_id, text: relayed(SENDER, fields.data as Record<string, unknown>) }
}

function relayedFast(text: string): { peerId: string; text: string } | undefined {
  const out: RelayFrame = { peerId: "", body: "" }
  if (!decodeRelayFrame(text, out)) return undefined
  return { peerId: out.peerId, text: `${out.body},"sender_id":"${SENDER}"}` }
}

/**
 * What the fast way accepts, the slow way would relay just so, with our sender_id as the only and the last one. The
 * slow way writes numbers anew (`1e400` as null, `-0` as 0), the fast one leaves them as they were sent.
 */
function expectAgreement(text: string): boolean {
  const fast = relayedFast(text)
  if (fast === undefined) return false
  const rewritten = JSON.stringify(JSON.parse(fast.text))
  expect({ peerId: fast.peerId, text: rewritten }).toEqual(relayedSlowly(text) as { peerId: string; text: string })
  expect(fast.text.endsWith(`,"sender_id":"${SENDER}"}`)).toBe(true)
  return true
}

const frame = (data: unknown): string => JSON.stringify({ event: "send_to_peer", peer_id: PEER, data })
const wrap = (data: string): string => `{"event":"send_to_peer","peer_id":"${PEER}","data":${data}}`

const SDP = `v=0\r\no=- 46 2 IN IP4 127.0.0.1\r\ns=-\r\n${"a=rtpmap:96 VP8/90000\r\n".repeat(90)}`
const CANDIDATE = "candidate:842163049 1 udp 1677729535 203.0.113.57 46154 typ srflx raddr 10.0.0.2 rport 46154"

test("what browsers send goes the fast way", () => {
  const frames = [
    frame({ event: "ice_candidate", sdpmlineindex: 0, sdpmid: "0", candidate: CANDIDATE }),
    frame({ event: "ice_candidate", candidate: { candidate: CANDIDATE, sdpMid: "0", sdpMLineIndex: 0 } }),
    frame({ event: "ice_candidate", candidate: null }),
    frame({ event: "offer", sdp: { type: "offer", sdp: SDP } }),
    frame({ event: "answer", sdp: { type: "answer", sdp: SDP } }),
    frame({ sdp: { type: "answer", sdp: SDP }, event: "answer" }),
    frame({ event: "message", data: JSON.stringify({ text: 'say "hello"', at: 1.5e300, list: [1, [2]] }) }),
    frame({ event: "message", data: [1, 2, { a: true }], more: {} }),
    frame({ event: "message", data: "Grüße, 世界 🌍", half: -0.25, yes: true, no: false }),
    frame({ event: "message", sender: { sender_id: "nested is the application's own", event: "x" } }),
  ]
  for (const text of frames) expect(expectAgreement(text)).toBe(true)
})

test("the text of data is relayed as it was written", () => {
  const data = '{"event":"message","a":1e400,"b":12345678901234567890,"c":"\\u00e9\\/","d":[1]}'
  expect(relayedFast(wrap(data))?.text).toBe(`${data.slice(0, -1)},"sender_id":"${SENDER}"}`)
})

test("a forged sender_id never goes the fast way", () => {
  const forgeries = [
    '{"event":"message","sender_id":"forged"}',
    '{"sender_id":"forged","event":"message"}',
    '{"event":"message","sender\\u005fid":"forged"}',
    '{"event":"message","\\u0073ender_id":"forged","x":1}',
    '{"event":"message","x":{},"sender_id":{"a":1}}',
    '{"event":"message","x":[1],"sender_id":null}',
  ]
  for (const data of forgeries) expect(relayedFast(wrap(data))).toBeUndefined()
})

test("an event said twice never goes the fast way, which would pass both on", () => {
  const doubled = [
    '{"event":"peer_left","event":"message"}',
    '{"event":"peer_left","event":"message","list":[1]}',
    '{"event":"message","list":[1],"event":"message"}',
    '{"\\u0065vent":"peer_left","event":"message"}',
    '{"\\u0065vent":"peer_left","list":[1],"event":"message"}',
    '{"\\u0065\\u0076\\u0065\\u006e\\u0074":"peer_left","event":"message"}',
  ]
  for (const data of doubled) expect(relayedFast(wrap(data))).toBeUndefined()
})

test("what is not valid JSON never goes the fast way", () => {
  const invalid = [
    '{"event":"message"',
    '{"event":"message",}',
    '{"event":"message" "a":1}',
    '{"event":"message","a":01}',
    '{"event":"message","a":-}',
    '{"event":"message","a":1.}',
    '{"event":"message","a":.5}',
    '{"event":"message","a":+1}',
    '{"event":"message","a":1e}',
    '{"event":"message","a":NaN}',
    '{"event":"message","a":nul}',
    '{"event":"message","a":undefined}',
    '{"event":"message","a":"\\x41"}',
    '{"event":"message","a":"\\u12"}',
    '{"event":"message","a":"\\"}',
    '{"event":"message","a":"\n"}',
    '{"event":"message","a":"\u0000"}',
    '{"event":"message","a":"b}',
    '{"event":"message","a":b"}',
    "{'event':'message'}",
    '{"event":"message"}}',
    '{"event":"message"},{}',
    '{"event":"message","a":{}',
    '{"event":"message","a":]}',
    '{"event":"message",1:2}',
    '{"event":"message"}//{}',
  ]
  for (const data of invalid) {
    expect(() => JSON.parse(wrap(data))).toThrow()
    expect(relayedFast(wrap(data))).toBeUndefined()
  }
})

test("what may not be relayed never goes the fast way", () => {
  const refused = [
    "{}",
    "[]",
    "null",
    '"offer"',
    '{"event":"peer_left"}',
    '{"event":"offers"}',
    '{"event":["offer"]}',
    '{"event":{"event":"offer"}}',
    '{"event":null}',
    '{"a":{"event":"offer"}}',
    '{"event":"offer","event":"peer_left"}',
    '{"event":"offer","\\u0065vent":"peer_left"}',
    '{"events":"offer"}',
  ]
  for (const data of refused) expect(relayedFast(wrap(data))).toBeUndefined()
})

test("other frames go the slow way", () => {
  const data = '{"event":"offer"}'
  const others = [
    "",
    "{}",
    "}}",
    `{"event":"send_to_peer","peer_id":"short","data":${data}}`,
    `{"event":"send_to_peer","peer_id":"${PEER}","data":${data},"ref":1}`,
    `{"event":"send_to_peer","peer_id":"${PEER}","data":${data},"x":{}}`,
    `{"event":"send_to_peer","peer_id":"${PEER}","data":${data},"data":${data}}`,
    `{"event":"send_to_peer","peer_id":"${PEER}","ref":1,"data":${data}}`,
    `{"event":"send_to_peer","data":${data},"peer_id":"${PEER}"}`,
    `{"event":"send_to_peer","peer_id":"${PEER.slice(0, 34)}\\n","data":${data}}`,
    `{"event":"send_to_peer","peer_id":"","x":"${PEER.slice(0, 28)}","data":${data}}`,
    `{"event":"update_status","peer_id":"${PEER}","data":${data}}`,
    ` ${wrap(data)}`,
    `${wrap(data)} `,
    wrap(`${data} `),
    wrap(` ${data}`),
  ]
  for (const text of others) {
    expect(relayedFast(text)).toBeUndefined()
  }
})

const keys = fc.oneof(
  fc.constantFrom("event", "sender_id", "sdp", "candidate", "__proto__", "", "sender_id ", "toString", "data"),
  fc.string({ unit: "grapheme" }),
)
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...EVENTS, "peer_left", '"', "\\", "\\\\", "\r\n", "}}", '{"a":1}', "\u2028", "\u0000", "\ud800"),
    fc.string({ unit: "binary" }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(keys, tie("value"), { maxKeys: 4 }),
  ),
})).value
const datas = fc.tuple(fc.constantFrom(...EVENTS, "x"), fc.dictionary(keys, values, { maxKeys: 5 }), fc.boolean())
const frames = datas.map(([event, rest, isFirst]) => frame(isFirst ? { event, ...rest } : { ...rest, event }))

test(
  "random frames: every valid one without sender_id and with one event is fast, and the same",
  () => {
    fc.assert(
      fc.property(datas, ([event, rest, isFirst]) => {
        const text = frame(isFirst ? { event, ...rest } : { ...rest, event })
        const data = JSON.parse(text).data
        const isRelayed = EVENTS.includes(data.event) && !Object.hasOwn(data, "sender_id")
        // Where one more is hidden in a list, it may go the slow way.
        const hasOneEvent = text.split('"event"').length === 3
        const isFast = expectAgreement(text)
        if (isRelayed && hasOneEvent) expect(isFast).toBe(true)
        if (!isRelayed) expect(isFast).toBe(false)
      }),
      { seed, numRuns: runs },
    )
  },
  LONG_MS,
)

test(
  "damaged frames: never relayed unless still valid, and then the same",
  () => {
    const scraps = fc.oneof(
      fc.constantFrom(
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\n",
        "\0",
        " ",
        "0",
        "-",
        "e",
        ".",
        "\\u0073",
        "\\r",
        "//",
      ),
      fc.constantFrom(
        '"sender_id":"forged"',
        ',"sender_id":"forged"',
        '"event":"offer",',
        ',"event":"x"',
        "}}",
        '"data":{',
      ),
      fc.string({ maxLength: 3 }),
    )
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 4 }), scraps), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(frames, damages, (text, cuts) => {
        let damaged = text
        for (const [where, length, scrap] of cuts) {
          const at = where % (damaged.length + 1)
          damaged = damaged.slice(0, at) + scrap + damaged.slice(at + length)
        }
        expectAgreement(damaged)
      }),
      { seed, numRuns: runs },
    )
  },
  LONG_MS,
)

test("data nested deeper than a frame may be goes the slow way, which refuses it", () => {
  for (const [opening, closing] of [
    ['{"a":', "}"],
    ["[", "]"],
  ] as const) {
    const nested = (levels: number): string =>
      wrap(`{"event":"message","x":${opening.repeat(levels)}1${closing.repeat(levels)}}`)
    expect(expectAgreement(nested(98))).toBe(true)
    expect([relayedFast(nested(99)), relayedSlowly(nested(99))]).toEqual([undefined, undefined])
  }
})
