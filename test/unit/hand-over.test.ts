// A member goes from one node to another, as far as the two sides of it can be seen without a network: what they say to each
// other, and what the next node makes of it.

import { expect, test } from "bun:test"
import { SYSTEM_CLOCK } from "../../src/clock.ts"
import { Arrival, type ArrivalParts } from "../../src/dialects/palava/arrival.ts"
import { type PackedLog, readHandOver, writeHandOver } from "../../src/dialects/palava/hand-over-message.ts"
import { HandOvers, type HandOversParts } from "../../src/dialects/palava/hand-overs.ts"
import { Resumptions } from "../../src/dialects/palava/resumptions.ts"
import { makeNodeId, type PeerId, type RoomKey } from "../../src/rooms/ids.ts"
import type { Membership } from "../../src/rooms/membership.ts"
import { Redirects } from "../../src/rooms/redirects.ts"

const peer = crypto.randomUUID() as PeerId
const room = "a".repeat(64) as RoomKey
const at = { epoch: "first", seq: 7 }
const GIVEN = Buffer.alloc(32, 1)

const PACKED: PackedLog = {
  at,
  received: 3,
  sent: 12,
  isExact: true,
  anewFor: undefined,
  frames: ["{\n}", "Ω 🐧", "", '{"event":"pong"}'],
}

/** The next node, whose member has come; what it is told, and what its client gets. */
function makeNext(received = 10) {
  const got: (readonly string[] | undefined)[] = []
  let tell: (text: string) => void = () => {}
  const asked: string[] = []
  const updateStatus = async (_membership: Membership, status: string) => {
    asked.push(status)
    return "done"
  }
  const parts = {
    clock: SYSTEM_CLOCK,
    rooms: {
      node: makeNodeId(),
      commands: { updateStatus },
      crossRelays: {
        listen(_name: string, place: { onTold(room: RoomKey, from: string, text: string): void }) {
          tell = (text) => place.onTold(room, "other", text)
          return "!place"
        },
        tell() {},
      },
      redirects: new Redirects(),
      registry: { get: () => undefined },
    },
  }
  const handOvers = new HandOvers(parts as unknown as HandOversParts)
  const resumptions = new Resumptions({
    ...{ node: parts.rooms.node, clock: SYSTEM_CLOCK, seconds: 30, memoryMb: 1, moving: () => handOvers.size },
    onBug: (cause) => got.push([String(cause)]),
  })
  const prepared = resumptions.prepare({ room, peer }, GIVEN)
  if (prepared === undefined) throw new Error("not prepared")
  const { counters } = resumptions
  const client = {
    payer: { charge() {}, mayJoin: () => true },
    onArrived: (...[, , frames]: Parameters<Arrival["onJoined"]> | unknown[]) => {
      got.push(frames as readonly string[] | undefined)
    },
    onOvertaken() {},
    onReplaced() {},
    onExpired() {},
  }
  const { commands } = parts.rooms
  const shared = { clock: SYSTEM_CLOCK, commands, handOvers, counters, onBug() {} } as unknown as ArrivalParts
  const arrival = new Arrival(shared, client, prepared, { peer, room, node: makeNodeId(), hash: GIVEN }, received)
  const membership = { generation: 5, room: { key: room, position: at } } as unknown as Membership
  handOvers.expect(arrival)
  return {
    got,
    asked,
    counters,
    handOvers,
    say: (text: string) => tell(text),
    comes: () => arrival.onJoined(membership, undefined),
    hears: (frame: string) => membership.log?.push(frame),
  }
}

const logOf = (packed: PackedLog | undefined, generation = 5) =>
  writeHandOver({ kind: "log", peer, generation, packed })

test("what is written is read, whatever the frames hold", () => {
  const about = { peer, generation: 5 }
  for (const message of [
    { kind: "coming", ...about },
    { kind: "ask", ...about, at },
    { kind: "answer", ...about },
    { kind: "log", ...about, packed: undefined },
    { kind: "log", ...about, packed: PACKED },
    { kind: "log", ...about, packed: { ...PACKED, anewFor: "proof", isExact: false, status: "{}", frames: [] } },
  ] as const) {
    expect(readHandOver(writeHandOver(message))).toEqual(message)
  }
})

test("what cannot be read is no log, and says so where it says whom it is about", () => {
  const whole = logOf(PACKED)
  for (const text of ["", "{}", "null", "[1]", "{", '{"format":1}', `{"format":1,"kind":"coming","peer":"${peer}"}`]) {
    expect(readHandOver(text)).toBeUndefined()
  }
  for (const text of [
    whole.slice(0, -1),
    `${whole}x`,
    whole.replace('"sent":12', '"sent":-1'),
    whole.replace('"isExact":true', '"isExact":1'),
    whole.replace('"kind":"log"', '"kind":"other"'),
    whole.replace('"format":1', '"format":2'),
  ]) {
    expect(readHandOver(text)).toEqual({ kind: "unknown", peer, generation: 5 })
  }
})

test("the client gets what was kept for it there, and then what was said to it here", () => {
  for (const isEarly of [true, false]) {
    const next = makeNext()
    if (isEarly) next.say(logOf(PACKED))
    next.comes()
    if (!isEarly) {
      next.hears("here")
      next.say(writeHandOver({ kind: "coming", peer, generation: 5 }))
      // Of a join that was asked for before, and came to nothing.
      next.say(logOf({ ...PACKED, sent: 99 }, 4))
      expect(next.got).toEqual([])
      next.say(logOf(PACKED))
    }
    expect(next.got).toEqual([isEarly ? ["", '{"event":"pong"}'] : ["", '{"event":"pong"}', "here"]])
    expect(next.counters.handOvers.complete).toBe(1)
    expect(next.handOvers.size).toBe(0)
  }
})

test("a status that the store did not take over in time is asked for again, once the client is back", () => {
  const next = makeNext()
  next.comes()
  next.say(logOf({ ...PACKED, status: '{"a":1}' }))
  expect(next.asked).toEqual(['{"a":1}'])
  const other = makeNext()
  other.comes()
  other.say(logOf({ ...PACKED, isExact: false, status: '{"a":1}' }))
  expect(other.asked).toEqual([])
})

test("what is missing is told: at another place of the log, counted otherwise, more than is kept, or never sent", () => {
  for (const [why, text, received, more] of [
    ["incomplete", logOf(undefined), 10, 0],
    ["incomplete", logOf({ ...PACKED, at: { ...at, seq: 8 } }), 10, 0],
    ["incomplete", logOf({ ...PACKED, at: { ...at, epoch: "second" } }), 10, 0],
    ["incomplete", logOf({ ...PACKED, isExact: false }), 10, 0],
    ["incomplete", logOf({ ...PACKED, anewFor: "another" }), 10, 0],
    ["incomplete", logOf(PACKED), 7, 0],
    ["incomplete", logOf(PACKED), 14, 0],
    ["incomplete", logOf(PACKED), 10, 257],
    ["unknown", logOf(PACKED).replace('"format":1', '"format":2'), 10, 0],
    ["complete", logOf({ ...PACKED, anewFor: GIVEN.toString("base64url") }), 10, 0],
  ] as const) {
    const next = makeNext(received)
    next.comes()
    for (let frame = 0; frame < more; frame++) next.hears("here")
    next.say(text)
    expect([why, next.got[0] === undefined]).toEqual([why, why !== "complete"])
    expect(next.counters.handOvers[why]).toBe(1)
    expect(next.counters.keptBytes).toBeLessThan(100)
  }
})
