// A resumption that travels: what the other place sends its client is what this one would have sent.

import { expect, test } from "bun:test"
import { Resumption } from "../../src/dialects/palava/resumption.ts"
import { makeNodeId, type PeerId, type RoomKey } from "../../src/rooms/ids.ts"

const OF = { node: makeNodeId(), room: "a".repeat(64) as RoomKey, peer: crypto.randomUUID() as PeerId }

function makeResumption() {
  const budget = { maxBytes: 1_000_000, bytes: 0, droppedByMembership: 0, droppedByNode: 0 }
  return { budget, resumption: new Resumption(budget, OF, 30) }
}

test("at another place the client gets the same frames, and the counts go on", () => {
  const { resumption, budget } = makeResumption()
  for (let number = 1; number <= 300; number++) resumption.log.push(`frame ${number}`)
  resumption.log.acknowledge(100)
  resumption.received = 17
  const other = makeResumption()
  other.resumption.log.push("forgotten")

  other.resumption.unpack(JSON.parse(JSON.stringify(resumption.pack())))

  expect(other.resumption.received).toBe(17)
  expect(other.budget.bytes).toBe(budget.bytes)
  other.resumption.log.push("frame 301")
  expect(other.resumption.missing(290)).toEqual(Array.from({ length: 11 }, (_, at) => `frame ${291 + at}`))
  expect(other.resumption.missing(99)).toBeUndefined()
  expect(other.resumption.log.hasSent(302)).toBe(false)
})

test("numbers that are not exact do not become so by travelling", () => {
  const { resumption } = makeResumption()
  resumption.countRefused(true)
  const other = makeResumption()

  other.resumption.unpack(resumption.pack())

  expect(other.resumption.missing(0)).toBeUndefined()
})
