// From frame to envelope to checked fields: what a text means, without a session.

import { describe, expect, test } from "bun:test"
import {
  checkFields,
  decodeFrame,
  type Envelope,
  isRefusal,
  refuseRelayData,
} from "../../src/dialects/palava/client-events.ts"
import { ERRORS, type ErrorId, NOT_A_HASH } from "../../src/dialects/palava/errors.ts"
import { BAD_TEXTS } from "../helpers/bad-frames.ts"

/** Errors that do not depend on where the session stands. */
const DECODING = ["invalid_message", "no_event", "no_room_id", "room_id_too_long"]

describe("every bad text is refused as the table says", () => {
  for (const { what, text, id, message, ref } of BAD_TEXTS.filter((bad) => DECODING.includes(bad.id))) {
    test(what, () => {
      const frame = decodeFrame(text)
      const answer = isRefusal(frame) ? frame : checkFields(frame.event as "join_room", frame)
      expect(answer as unknown).toEqual({ error: id, message: message ?? ERRORS[id as ErrorId], ref })
    })
  }
})

describe("decodeFrame", () => {
  test("gives event, ref and all fields", () => {
    expect(decodeFrame('{"event":"ping","ref":"r","x":[1]}')).toEqual({
      event: "ping",
      ref: "r",
      fields: { event: "ping", ref: "r", x: [1] },
    })
  })

  test("a frame of 100 levels is read, one of 101 is not", () => {
    const nested = (levels: number): string => `{"event":"x","a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`
    expect(isRefusal(decodeFrame(nested(100)))).toBe(false)
    expect(decodeFrame(nested(101)) as unknown).toEqual({
      error: "invalid_message",
      message: "invalid message",
      ref: undefined,
    })
    // Side by side is not deep.
    expect(isRefusal(decodeFrame(`{"event":"x","a":[${"[[]],".repeat(5_000)}[]]}`))).toBe(false)
  })

  test("JSON that is no object says so", () => {
    for (const text of ["[]", "null", "0", '""', "false"]) {
      expect(decodeFrame(text) as unknown).toEqual({ error: "invalid_message", message: NOT_A_HASH, ref: undefined })
    }
  })

  test("a ref is a text of at most 64 characters or a number", () => {
    const refOf = (ref: string): unknown => decodeFrame(`{"event":"ping","ref":${ref}}`).ref
    for (const ref of ["a", "", "x".repeat(64), "\u{1f600}".repeat(64), 0, -0.5, 1e21]) {
      expect(refOf(JSON.stringify(ref))).toBe(ref)
    }
    for (const ref of ["null", "true", "{}", "[]", '["a"]', "1e999", JSON.stringify("x".repeat(65))]) {
      expect(refOf(ref)).toBeUndefined()
    }
    expect(decodeFrame('{"__proto__":{"ref":1},"event":"ping"}').ref).toBeUndefined()
  })
})

describe("checkFields", () => {
  const fieldsOf = (text: string): unknown => {
    const envelope = decodeFrame(text) as Envelope
    return checkFields(envelope.event as "join_room", envelope)
  }

  test("keeps what is asked for, and nothing else", () => {
    expect(fieldsOf('{"event":"join_room","room_id":"a","status":{"x":1},"extra":1,"ref":2}')).toEqual({
      room_id: "a",
      status: { x: 1 },
    })
    expect(fieldsOf('{"event":"join_room","room_id":"a"}')).toEqual({ room_id: "a" })
    expect(fieldsOf('{"event":"ping","x":1}')).toEqual({})
    expect(fieldsOf('{"event":"leave_room","room_id":"a"}')).toEqual({})
  })

  test("counts code points, not units", () => {
    expect(fieldsOf(JSON.stringify({ event: "join_room", room_id: "\u{1f600}".repeat(50) }))).toEqual({
      room_id: "\u{1f600}".repeat(50),
    })
    expect(fieldsOf(JSON.stringify({ event: "join_room", room_id: `${"\u{1f600}".repeat(50)}x`, ref: 1 }))).toEqual({
      error: "room_id_too_long",
      message: "room id too long",
      ref: 1,
    })
  })
})

test("refuseRelayData: any object with one of four events", () => {
  for (const event of ["offer", "answer", "ice_candidate", "message"]) {
    expect(refuseRelayData({ event, any: [{ thing: null }] })).toBeUndefined()
  }
  for (const data of [undefined, null, 1, "offer", true, [], [{ event: "offer" }]]) {
    expect(refuseRelayData(data)).toBe("raw_data")
  }
  for (const event of [undefined, null, "", "Offer", "offer ", "peer_left", "__proto__", ["offer"], { offer: 1 }]) {
    expect(refuseRelayData({ event })).toBe("event_not_allowed")
  }
})
