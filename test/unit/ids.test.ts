// Ids: unguessable where they have to be, and nothing of a room's name in its key.

import { expect, test } from "bun:test"
import { makeNodeId, makePeerId, toLogName, toRoomKey } from "../../src/rooms/ids.ts"

test("peers and nodes get random UUIDs (version 4), never the same twice", () => {
  const ids = Array.from({ length: 10_000 }, (_, index) => (index % 2 === 0 ? makePeerId() : makeNodeId()))
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids).size).toBe(ids.length)
})

test("a room is the SHA-256 of its id, and a log shows ten digits of it", () => {
  // The example of FIPS 180-2, appendix B.1.
  const key = toRoomKey("abc")
  expect(key as string).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  expect(toLogName(key)).toBe("ba7816bf8f")
  expect(toRoomKey("\u00e9") as string).not.toBe(toRoomKey("e\u0301"))
})

test("names that are no Unicode text are rooms of their own", () => {
  const names = ["\ud800", "\udfff", "a\ud800", "\ufffd", "a\ufffd", "\ud800\udfff", "\udfff\ud800"]
  expect(new Set(names.map((name) => toRoomKey(name))).size).toBe(names.length)
})
