// What peers tell each other, written by browsers, by palava-client and by nobody's friend.

import { expect, test } from "bun:test"
import { type PeerMessage, readMessage, writeMessage } from "../../src/client/messages.ts"

const read = (said: object) => readMessage({ ...said, sender_id: "bea" } as Parameters<typeof readMessage>[0])

/** As RTCSessionDescription and RTCIceCandidate are: their fields are getters of a prototype. */
class BrowserCandidate {
  get candidate(): string {
    return "candidate:1"
  }
  get sdpMid(): string {
    return "0"
  }
  get sdpMLineIndex(): number {
    return 0
  }
}

test("a description: its text, or type and text; read with the type that a browser needs", () => {
  const wanted = { event: "offer", sdp: { type: "offer", sdp: "v=0" } }
  for (const sdp of ["v=0", { type: "offer", sdp: "v=0" }, { sdp: "v=0" }, { type: "rollback", sdp: "v=0" }]) {
    expect(read({ event: "offer", sdp })).toEqual(wanted as never)
  }
  expect(writeMessage({ event: "offer", sdp: "v=0" })).toEqual(wanted)
  expect(writeMessage({ event: "offer", sdp: { type: "offer", sdp: "v=0" } })).toEqual(wanted)
})

test("a candidate: as palava-client writes it and as browsers do; written as palava-client reads it", () => {
  const wanted = { event: "ice_candidate", candidate: { candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: 0 } }
  const browser = { candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "x" }
  const written = { event: "ice_candidate", candidate: "candidate:1", sdpmid: "0", sdpmlineindex: 0 }
  for (const said of [
    written,
    { event: "ice_candidate", candidate: browser },
    { event: "ice_candidate", ...browser },
  ]) {
    expect(read(said)).toEqual(wanted as never)
  }
  const own: PeerMessage[] = [
    { event: "ice_candidate", candidate: "candidate:1", sdpmid: "0", sdpmlineindex: 0 },
    { event: "ice_candidate", candidate: browser },
    { event: "ice_candidate", candidate: new BrowserCandidate() },
  ]
  for (const message of own) expect(writeMessage(message)).toEqual(written)
  expect(read({ event: "ice_candidate", candidate: "" })).toEqual({
    event: "ice_candidate",
    candidate: { candidate: "", sdpMid: null, sdpMLineIndex: null },
  })
})

test("a message is the application's own", () => {
  const message = { event: "message", data: { deep: [1] }, more: "x" } as const
  expect(writeMessage(message)).toEqual(message)
  expect(read(message)).toEqual(message)
})

test("what lacks its text is nothing", () => {
  for (const said of [{}, { sdp: null }, { sdp: 1 }, { sdp: {} }, { sdp: { sdp: {} } }, { sdp: [] }]) {
    expect(read({ event: "offer", ...said })).toBeUndefined()
    expect(read({ event: "answer", ...said })).toBeUndefined()
  }
  for (const said of [{}, { candidate: null }, { candidate: 1 }, { candidate: {} }, { candidate: { candidate: 1 } }]) {
    expect(read({ event: "ice_candidate", ...said })).toBeUndefined()
  }
  expect(read({ event: "ice_candidate", candidate: "c", sdpmid: 1, sdpmlineindex: "0" })).toEqual({
    event: "ice_candidate",
    candidate: { candidate: "c", sdpMid: null, sdpMLineIndex: null },
  })
})
