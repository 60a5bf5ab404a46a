// The bytes between nodes: relays there and back, and nothing that arrives can do harm.

import { expect, test } from "bun:test"
import { decode, encode } from "@msgpack/msgpack"
import fc from "fast-check"
import { decodeNodeMessage, encodeRelays, HEARTBEAT, isHeartbeat } from "../../src/cluster/node-message.ts"
import type { NodeId, PeerId, RoomKey } from "../../src/rooms/ids.ts"

const SENDER = "a-node" as NodeId

const relays = fc.array(
  fc.record({
    room: fc.string({ minLength: 1 }).map((text) => text as RoomKey),
    from: fc.string({ unit: "grapheme", minLength: 1 }).map((text) => text as PeerId),
    to: fc.string({ minLength: 1 }).map((text) => text as PeerId),
    text: fc.string({ unit: "grapheme", maxLength: 5000 }),
  }),
)

test("relays come out as they went in, whatever their text", () => {
  fc.assert(
    fc.property(relays, fc.nat(), (batch, number) => {
      expect(decodeNodeMessage(encodeRelays(SENDER, number, batch))).toEqual({
        kind: "relays",
        sender: SENDER,
        number,
        relays: batch,
      })
    }),
  )
})

test("what repeats the relay before is written once", () => {
  const first = { room: "room" as RoomKey, from: "one" as PeerId, to: "two" as PeerId, text: "a" }
  const batch = [
    first,
    { ...first, text: "b" },
    { ...first, to: "three" as PeerId },
    { ...first, from: "two" as PeerId },
  ]
  const bytes = encodeRelays(SENDER, 8, batch)
  expect(decode(bytes)).toEqual([
    1,
    2,
    SENDER,
    8,
    [4, 3, 3, 1, 0, 0, 0, 1, 0, 0, 5, 1, 0, 3, 3, 1],
    "roomonetwoabthreeatwotwoa",
  ])
  expect(decodeNodeMessage(bytes)).toEqual({ kind: "relays", sender: SENDER, number: 8, relays: batch })
})

test("a batch is MessagePack that any library reads", () => {
  const relay = { room: "r" as RoomKey, from: "from" as PeerId, to: "to" as PeerId, text: "ß🦊" }
  expect(decode(encodeRelays(SENDER, 7, [relay]))).toEqual([1, 2, SENDER, 7, [1, 4, 2, 3], "rfromtoß🦊"])
})

test("numbers of batches do not run out, and those of the release before, as uint32, are read", () => {
  const relay = { room: "r" as RoomKey, from: "from" as PeerId, to: "to" as PeerId, text: "x" }
  for (const number of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52 + 7, Number.MAX_SAFE_INTEGER]) {
    expect(decodeNodeMessage(encodeRelays(SENDER, number, [relay]))).toMatchObject({ number, relays: [relay] })
  }
  const bytes = Buffer.from(encode([1, 2, SENDER, 0xfedcba98, [1, 4, 2, 1], "rfromtox"]))
  expect(bytes.includes(Buffer.from([0xce, 0xfe, 0xdc, 0xba, 0x98]))).toBe(true)
  expect(decodeNodeMessage(bytes)).toMatchObject({ number: 0xfedcba98, relays: [relay] })
})

test("a frame is an event of its room, and may be for all but its peer", () => {
  const message = [
    1,
    1,
    "room",
    "epoch",
    7,
    [
      [4, "peer", "text"],
      [4, "peer", "text", 1],
      [2, "peer", 1],
    ],
  ]
  expect(decodeNodeMessage(Buffer.from(encode(message)))).toEqual({
    kind: "events",
    rooms: [
      {
        room: "room" as RoomKey,
        events: [
          { epoch: "epoch", seq: 7, kind: "frame", peer: "peer" as PeerId, text: "text", to: "all" },
          { epoch: "epoch", seq: 8, kind: "frame", peer: "peer" as PeerId, text: "text", to: "others" },
          { epoch: "epoch", seq: 9, kind: "left", peer: "peer" as PeerId, generation: 1 },
        ],
        unknown: 0,
      },
    ],
  })
})

test("events of several rooms come in one message, in order", () => {
  const message = [1, 1, "red", "e", 7, [[2, "a", 1]], "green", "f", 1, [[2, "b", 3]], "red", "e", 8, [[2, "c", 4]]]
  const left = (epoch: string, seq: number, peer: string, generation: number) => [
    { epoch, seq, kind: "left" as const, peer: peer as PeerId, generation },
  ]
  expect(decodeNodeMessage(Buffer.from(encode(message)))).toEqual({
    kind: "events",
    rooms: [
      { room: "red" as RoomKey, events: left("e", 7, "a", 1), unknown: 0 },
      { room: "green" as RoomKey, events: left("f", 1, "b", 3), unknown: 0 },
      { room: "red" as RoomKey, events: left("e", 8, "c", 4), unknown: 0 },
    ],
  })
})

test("events of kinds that another release knows leave a gap, and those around them their place", () => {
  const events = [[9, 5, ["any", "thing"]], [2, "peer", 1], [6], [4, "peer", "text"], [200]]
  const epoch = "epoch"
  expect(decodeNodeMessage(Buffer.from(encode([1, 1, "room", epoch, 7, events])))).toEqual({
    kind: "events",
    rooms: [
      {
        room: "room" as RoomKey,
        events: [
          { epoch, seq: 8, kind: "left", peer: "peer" as PeerId, generation: 1 },
          { epoch, seq: 10, kind: "frame", peer: "peer" as PeerId, text: "text", to: "all" },
        ],
        unknown: 3,
      },
    ],
  })
})

test("broken bytes are broken, never an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const message = decodeNodeMessage(Buffer.from(bytes))
      expect(message === undefined || message === "unknown" || typeof message === "object").toBe(true)
    }),
  )
  const whole = encodeRelays(SENDER, 1, [{ room: "r" as RoomKey, from: "f" as PeerId, to: "t" as PeerId, text: "x" }])
  for (let length = 0; length < whole.length; length++)
    expect(decodeNodeMessage(whole.subarray(0, length))).toBeUndefined()
})

test("wrong fields are broken, other versions and kinds unknown", () => {
  const read = (message: unknown) => decodeNodeMessage(Buffer.from(encode(message)))
  for (const broken of [
    {},
    null,
    "x",
    [1, 1, "room", "epoch", -1, []],
    [1, 1, "room", 5, 1, []],
    [1, 1, "room", "epoch", 1, [[1, "peer", "node", 1, 1]]],
    [1, 1, "room", "epoch", 1, [[2, "peer", "x"]]],
    [1, 1, "room", "epoch", 1, [[0, "peer", 1]]],
    [1, 1, "room", "epoch", 1, [["x", "peer", 1]]],
    [1, 1, "room", "epoch", 1, [[4, "peer"]]],
    [1, 1, "room", "epoch", 1, {}],
    [1, 1],
    [1, 1, "room", "epoch", 1, [], "other"],
    [1, 2, "node", 1, [1, 1, 1], "abc"],
    [1, 2, "node", 1, [1, 1, 1, 99], "abcd"],
    [1, 2, "node", 1, [1, 1, 1, 1], "abcde"],
    [1, 2, "node", 1, [-1, 1, 1, 3], "abcd"],
    [1, 2, "node", 1, [0.5, 1, 1, 1.5], "abcd"],
    [1, 2, 3, 1, [], ""],
  ]) {
    expect({ broken, read: read(broken) }).toEqual({ broken, read: undefined })
  }
  expect(read([2, 1, "room"])).toBe("unknown")
  expect(read([1, 99])).toBe("unknown")
  expect(read([])).toBe("unknown")
})

test("a heartbeat is one, and nothing else", () => {
  expect(isHeartbeat(HEARTBEAT)).toBe(true)
  expect(decode(HEARTBEAT)).toEqual([1, 3])
})
