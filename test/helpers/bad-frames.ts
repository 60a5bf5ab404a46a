// One of every kind of frame that no good client sends, and what each is answered with: an error event, or the end of
// the connection. Shared by the tests that look at each alone and those that send thousands of them.

import { frame, OPCODE, textFrame } from "./raw-socket.ts"

/** A text the server must refuse without ending the connection. */
export interface BadText {
  readonly what: string
  readonly text: string
  readonly id: string
  readonly message?: string
  /** The `ref` the answer must carry. */
  readonly ref?: string | number
}

/** Bytes for which the server must end the connection. */
export interface BadBytes {
  readonly what: string
  readonly bytes: Uint8Array
  readonly code: number
}

const NOT_A_HASH = "invalid message: not a hash"
const UNKNOWN_PEER = "00000000-0000-4000-8000-000000000000"

/** Refused from a client that is in no room. */
export const BAD_TEXTS: readonly BadText[] = [
  { what: "an empty frame", text: "", id: "invalid_message" },
  { what: "white space", text: " \n\t ", id: "invalid_message" },
  { what: "no JSON", text: "hello", id: "invalid_message" },
  { what: "half an object", text: '{"event":"ping"', id: "invalid_message" },
  { what: "two objects", text: '{"event":"ping"}{"event":"ping"}', id: "invalid_message" },
  { what: "a trailing comma", text: '{"event":"ping",}', id: "invalid_message" },
  { what: "single quotes", text: "{'event':'ping'}", id: "invalid_message" },
  { what: "a byte order mark", text: '\ufeff{"event":"ping"}', id: "invalid_message" },
  { what: "a NUL behind it", text: '{"event":"ping"}\0', id: "invalid_message" },
  { what: "a raw line break in a string", text: '{"event":"pi\nng"}', id: "invalid_message" },
  { what: "NaN", text: "NaN", id: "invalid_message" },
  { what: "null", text: "null", id: "invalid_message", message: NOT_A_HASH },
  { what: "true", text: "true", id: "invalid_message", message: NOT_A_HASH },
  { what: "a number", text: "4233", id: "invalid_message", message: NOT_A_HASH },
  { what: "a number beyond all", text: "1e400", id: "invalid_message", message: NOT_A_HASH },
  { what: "a string", text: '"ping"', id: "invalid_message", message: NOT_A_HASH },
  { what: "an array", text: '[{"event":"ping"}]', id: "invalid_message", message: NOT_A_HASH },
  {
    what: "arrays 30,000 deep",
    text: "[".repeat(30_000) + "]".repeat(30_000),
    id: "invalid_message",
    message: NOT_A_HASH,
  },
  { what: "arrays that never close", text: "[".repeat(60_000), id: "invalid_message" },
  { what: "objects 9,000 deep", text: `${'{"a":'.repeat(9_000)}1${"}".repeat(9_000)}`, id: "invalid_message" },
  {
    what: "a status with arrays 30,000 deep",
    text: `{"event":"join_room","room_id":"deep","status":{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}}`,
    id: "invalid_message",
  },
  { what: "no event", text: "{}", id: "no_event" },
  { what: "an event that is null", text: '{"event":null,"ref":7}', id: "no_event", ref: 7 },
  { what: "an event that is a number", text: '{"event":1}', id: "no_event" },
  { what: "an event that is an object", text: '{"event":{"event":"ping"}}', id: "no_event" },
  { what: "an event hidden in __proto__", text: '{"__proto__":{"event":"ping"}}', id: "no_event" },
  { what: "an empty event", text: '{"event":""}', id: "unknown_event" },
  { what: "an event nobody knows", text: '{"event":"fly","ref":"r"}', id: "unknown_event", ref: "r" },
  { what: "an event in capitals", text: '{"event":"PING"}', id: "unknown_event" },
  { what: "an event called __proto__", text: '{"event":"__proto__"}', id: "unknown_event" },
  { what: "an event called constructor", text: '{"event":"constructor"}', id: "unknown_event" },
  { what: "an event called toString", text: '{"event":"toString"}', id: "unknown_event" },
  { what: "an event of the server", text: '{"event":"peer_left","sender_id":"me"}', id: "unknown_event" },
  { what: "an event of 60,000 characters", text: `{"event":"${"x".repeat(60_000)}"}`, id: "unknown_event" },
  { what: "a join without a room", text: '{"event":"join_room","ref":1}', id: "no_room_id", ref: 1 },
  { what: "a join of an empty room", text: '{"event":"join_room","room_id":""}', id: "no_room_id" },
  { what: "a join of room null", text: '{"event":"join_room","room_id":null}', id: "no_room_id" },
  { what: "a join of room 1", text: '{"event":"join_room","room_id":1}', id: "no_room_id" },
  { what: "a join of an object", text: '{"event":"join_room","room_id":{"a":1}}', id: "no_room_id" },
  { what: "a join of an array", text: '{"event":"join_room","room_id":["a"]}', id: "no_room_id" },
  {
    what: "a room id hidden in __proto__",
    text: '{"event":"join_room","__proto__":{"room_id":"a"}}',
    id: "no_room_id",
  },
  { what: "a room id of 51", text: `{"event":"join_room","room_id":"${"x".repeat(51)}"}`, id: "room_id_too_long" },
  {
    what: "a room id of 60,000",
    text: `{"event":"join_room","room_id":"${"\u00e9".repeat(30_000)}"}`,
    id: "room_id_too_long",
  },
  { what: "a join with a status text", text: '{"event":"join_room","room_id":"a","status":"x"}', id: "invalid_status" },
  { what: "a join with a status array", text: '{"event":"join_room","room_id":"a","status":[]}', id: "invalid_status" },
  {
    what: "a join with a status of 5 KiB",
    text: `{"event":"join_room","room_id":"a","status":{"x":"${"x".repeat(5_000)}"}}`,
    id: "invalid_status",
  },
  { what: "a status outside a room", text: '{"event":"update_status","status":{}}', id: "not_in_room" },
  { what: "a status of null outside a room", text: '{"event":"update_status","status":null}', id: "not_in_room" },
  {
    what: "a message outside a room",
    text: `{"event":"send_to_peer","peer_id":"${UNKNOWN_PEER}","data":{"event":"message"}}`,
    id: "not_in_room",
  },
  { what: "a message without anything", text: '{"event":"send_to_peer"}', id: "not_in_room" },
]

const MASK_BIT = 0x80

/** Ends the connection, with this code. */
export const BAD_BYTES: readonly BadBytes[] = [
  { what: "a binary frame", bytes: frame(OPCODE.binary, '{"event":"ping"}'), code: 1003 },
  { what: "an empty binary frame", bytes: frame(OPCODE.binary), code: 1003 },
  { what: "bytes that are not UTF-8", bytes: frame(OPCODE.text, new Uint8Array([0x22, 0xff, 0xfe, 0x22])), code: 1007 },
  { what: "an overlong encoding", bytes: frame(OPCODE.text, new Uint8Array([0x22, 0xc0, 0xaf, 0x22])), code: 1007 },
  { what: "a lone surrogate", bytes: frame(OPCODE.text, new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22])), code: 1007 },
  { what: "half a character", bytes: frame(OPCODE.text, new Uint8Array([0x22, 0xe2, 0x82])), code: 1007 },
  { what: "one byte over the limit", bytes: textFrame("x".repeat(65_537)), code: 1009 },
  {
    what: "a length of 2^62",
    bytes: new Uint8Array([0x81, MASK_BIT | 127, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]),
    code: 1009,
  },
  {
    what: "pieces over the limit together",
    bytes: Buffer.concat([
      frame(OPCODE.text, "x".repeat(40_000), { isFinal: false }),
      frame(OPCODE.continuation, "x".repeat(40_000)),
    ]),
    code: 1009,
  },
  { what: "a frame that is not masked", bytes: frame(OPCODE.text, "{}", { isMasked: false }), code: 1002 },
  { what: "a reserved bit", bytes: frame(OPCODE.text, "{}", { reserved: 4 }), code: 1002 },
  { what: "an unknown opcode", bytes: frame(3, "{}"), code: 1002 },
  { what: "an unknown control opcode", bytes: frame(11, "{}"), code: 1002 },
  { what: "a continuation of nothing", bytes: frame(OPCODE.continuation, "{}"), code: 1002 },
  {
    what: "a message inside a message",
    bytes: Buffer.concat([frame(OPCODE.text, "{", { isFinal: false }), frame(OPCODE.text, "{}")]),
    code: 1002,
  },
  { what: "a ping of 126 bytes", bytes: frame(OPCODE.ping, "x".repeat(126)), code: 1002 },
  { what: "a ping in pieces", bytes: frame(OPCODE.ping, "x", { isFinal: false }), code: 1002 },
  { what: "a pong in pieces", bytes: frame(OPCODE.pong, "x", { isFinal: false }), code: 1002 },
  { what: "a close of one byte", bytes: frame(OPCODE.close, "x"), code: 1002 },
  { what: "a close with code 999", bytes: frame(OPCODE.close, new Uint8Array([0x03, 0xe7])), code: 1002 },
  { what: "a close with code 1005", bytes: frame(OPCODE.close, new Uint8Array([0x03, 0xed])), code: 1002 },
  {
    what: "a close whose reason is not UTF-8",
    bytes: frame(OPCODE.close, new Uint8Array([0x03, 0xe8, 0xff])),
    code: 1007,
  },
]
