// The table of errors, and which comes first when a request has several mistakes. An error never ends the connection,
// changes nothing, and is heard by nobody but its sender.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { TestClient, type WireEvent } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"

/** Id and text as clients read them: written out here once more, for they are the contract. */
const TEXTS: Readonly<Record<string, string>> = {
  no_event: "no event given",
  unknown_event: "unknown event",
  no_room_id: "no room id given",
  room_id_too_long: "room id too long",
  already_joined: "already joined another room",
  room_full: "room is full",
  not_in_room: "currently not in any room",
  unknown_peer: "unknown peer",
  raw_data: "cannot send raw data",
  event_not_allowed: "event not allowed",
  invalid_status: "invalid status",
  blank_name: "blank name not allowed",
  name_too_long: "name too long",
  invalid_user_agent: "unknown user agent",
}

const LONG = "x".repeat(51)
const LONG_ROOM = { event: "join_room", room_id: LONG }
const BAD_STATUS = { name: " ", user_agent: 1 }

let node: TestNode
/** Fills the room "full" (of two), and is a member whom "here" can write to. */
let others: TestClient[]
let stranger: TestClient
beforeAll(async () => {
  node = await startNode(["--room-size", "2"])
  others = await Promise.all(["full", "full", "here"].map(() => TestClient.connect(node.url)))
  for (const [index, room] of ["full", "full", "here"].entries()) await others[index]?.join(room)
  stranger = await TestClient.connect(node.url)
  await stranger.join("elsewhere")
  await others[0]?.next("new_peer")
})
afterAll(async () => {
  for (const client of others) await client.close()
  expect(node.complaints()).toBe("")
  await node[Symbol.asyncDispose]()
})

/** A request, made outside any room or as a member of "here", and the error it is answered with. */
type Case = readonly [
  what: string,
  request: (peers: { own: string; other: string; stranger: string }) => object,
  id: string,
]

const OUTSIDE: readonly Case[] = [
  ["no room id before all else", () => ({ event: "join_room", status: BAD_STATUS }), "no_room_id"],
  ["a long room id before a bad status", () => ({ ...LONG_ROOM, status: BAD_STATUS }), "room_id_too_long"],
  [
    "51 characters of two units each",
    () => ({ event: "join_room", room_id: "\u{1f600}".repeat(51) }),
    "room_id_too_long",
  ],
  ["a full room", () => ({ event: "join_room", room_id: "full" }), "room_full"],
  [
    "a bad status before a full room",
    () => ({ event: "join_room", room_id: "full", status: BAD_STATUS }),
    "blank_name",
  ],
  ["a full room with no status", () => ({ event: "join_room", room_id: "full", status: null }), "room_full"],
  ["a status before its name", () => joinWith(Object.assign(["x"], BAD_STATUS)), "invalid_status"],
  ["a large status before its name", () => joinWith({ ...BAD_STATUS, x: "x".repeat(4096) }), "invalid_status"],
  ["a name before the user agent", () => joinWith(BAD_STATUS), "blank_name"],
  ["a blank name", () => joinWith({ name: "" }), "blank_name"],
  ["a name of white space", () => joinWith({ name: " \t\n\u00a0\u2003" }), "blank_name"],
  ["a name that is a number", () => joinWith({ name: 7 }), "blank_name"],
  ["a name that is an object", () => joinWith({ name: {} }), "blank_name"],
  ["a long name", () => joinWith({ name: LONG }), "name_too_long"],
  ["a long name before the user agent", () => joinWith({ name: LONG, user_agent: LONG }), "name_too_long"],
  ["an empty user agent", () => joinWith({ user_agent: "" }), "invalid_user_agent"],
  ["a long user agent", () => joinWith({ user_agent: LONG }), "invalid_user_agent"],
  ["a user agent that is a number", () => joinWith({ user_agent: 1 }), "invalid_user_agent"],
  ["a user agent that is a list", () => joinWith({ user_agent: ["firefox"] }), "invalid_user_agent"],
  ["a status, bad and outside", () => ({ event: "update_status", status: BAD_STATUS }), "not_in_room"],
  ["a message, bad and outside", () => ({ event: "send_to_peer", peer_id: 1, data: 1 }), "not_in_room"],
]

const INSIDE: readonly Case[] = [
  ["a second join", () => ({ event: "join_room", room_id: "other" }), "already_joined"],
  ["a second join of the same room", () => ({ event: "join_room", room_id: "here" }), "already_joined"],
  ["no room id before a second join", () => ({ event: "join_room" }), "no_room_id"],
  ["a long room id before a second join", () => LONG_ROOM, "room_id_too_long"],
  ["a second join before a full room", () => ({ event: "join_room", room_id: "full" }), "already_joined"],
  ["a second join before a bad status", () => ({ event: "join_room", room_id: "a", status: 1 }), "already_joined"],
  ["no peer", () => ({ event: "send_to_peer" }), "unknown_peer"],
  ["no peer before bad data", () => ({ event: "send_to_peer", data: 1 }), "unknown_peer"],
  ["a peer that is a number", () => ({ event: "send_to_peer", peer_id: 1, data: offer() }), "unknown_peer"],
  [
    "a peer that is a list",
    ({ other }) => ({ event: "send_to_peer", peer_id: [other], data: offer() }),
    "unknown_peer",
  ],
  ["a peer called __proto__", () => ({ event: "send_to_peer", peer_id: "__proto__", data: offer() }), "unknown_peer"],
  ["a peer in capitals", ({ other }) => to(other.toUpperCase(), offer()), "unknown_peer"],
  ["a peer that does not exist", () => to("00000000-0000-4000-8000-000000000000", offer()), "unknown_peer"],
  ["a peer of another room", ({ stranger }) => to(stranger, offer()), "unknown_peer"],
  ["an unknown peer before bad data", ({ stranger }) => to(stranger, null), "unknown_peer"],
  ["no data", ({ other }) => ({ event: "send_to_peer", peer_id: other }), "raw_data"],
  ["data null", ({ other }) => to(other, null), "raw_data"],
  ["data that is a text", ({ other }) => to(other, "offer"), "raw_data"],
  ["data that is a list", ({ other }) => to(other, [offer()]), "raw_data"],
  ["data without event", ({ other }) => to(other, {}), "event_not_allowed"],
  ["data with an event of the server", ({ other }) => to(other, { event: "peer_left" }), "event_not_allowed"],
  ["data with event joined_room", ({ other }) => to(other, { event: "joined_room" }), "event_not_allowed"],
  ["data with event Offer", ({ other }) => to(other, { event: "Offer" }), "event_not_allowed"],
  ["data with a list of events", ({ other }) => to(other, { event: ["offer"] }), "event_not_allowed"],
  ["data with event null", ({ other }) => to(other, { event: null, data: {} }), "event_not_allowed"],
  ["no status", () => ({ event: "update_status" }), "invalid_status"],
  ["a status of null", () => ({ event: "update_status", status: null }), "invalid_status"],
  ["a status that is a text", () => ({ event: "update_status", status: "x" }), "invalid_status"],
  ["a status that is a list", () => ({ event: "update_status", status: [] }), "invalid_status"],
  ["a large status", () => ({ event: "update_status", status: { x: "x".repeat(4089) } }), "invalid_status"],
  [
    "a large status in bytes",
    () => ({ event: "update_status", status: { x: "\u20ac".repeat(1400) } }),
    "invalid_status",
  ],
  ["a blank name", () => ({ event: "update_status", status: { name: "  ", ok: 1 } }), "blank_name"],
  ["a long name", () => ({ event: "update_status", status: { name: LONG } }), "name_too_long"],
  ["a bad user agent", () => ({ event: "update_status", status: { user_agent: {} } }), "invalid_user_agent"],
]

describe("outside a room", () => {
  for (const [what, request, id] of OUTSIDE) {
    test(`${what}: ${id}`, async () => {
      await using client = await TestClient.connect(node.url)
      client.send({ ...request({ own: "", other: "", stranger: "" }), ref: what })
      expect(await client.next()).toEqual(errorEvent(id, what))
      expect(await client.drain()).toEqual([])
      // Nothing has changed: it is in no room, and may join one.
      client.send({ event: "update_status", status: {} })
      expect((await client.next())["id"]).toBe("not_in_room")
      for (const other of others) expect(await other.drain()).toEqual([])
    })
  }
})

describe("in a room", () => {
  for (const [what, request, id] of INSIDE) {
    test(`${what}: ${id}`, async () => {
      await using client = await TestClient.connect(node.url)
      const [, , other] = others
      await client.join("here")
      await other?.next("new_peer")
      client.send({
        ...request({ own: client.ownId, other: other?.ownId ?? "", stranger: stranger.ownId }),
        ref: what,
      })
      expect(await client.next()).toEqual(errorEvent(id, what))
      expect(await client.drain()).toEqual([])
      expect(await other?.drain()).toEqual([])
      expect(await stranger.drain()).toEqual([])
      // Nothing has changed: it is a member still, with an empty status.
      client.send({ event: "update_status", status: {} })
      expect(await client.next()).toEqual({ event: "peer_updated_status", sender_id: client.ownId, status: {} })
      await client.close()
      await other?.next("peer_left")
    })
  }
})

test("50 characters are not too long, whatever they are made of", async () => {
  await using client = await TestClient.connect(node.url)
  for (const text of ["x".repeat(50), "\u00e9".repeat(50), "\u{1f600}".repeat(50)]) {
    const joined = await client.join(text, { name: text, user_agent: text })
    expect(joined.event).toBe("joined_room")
    client.send({ event: "leave_room" })
  }
})

test("a place is free again when somebody leaves", async () => {
  await using client = await TestClient.connect(node.url)
  await using first = await TestClient.connect(node.url)
  await using second = await TestClient.connect(node.url)
  await first.join("two")
  await second.join("two")
  expect((await client.join("two"))["id"]).toBe("room_full")
  second.send({ event: "leave_room" })
  await second.drain()
  expect((await client.join("two")).event).toBe("joined_room")
})

function errorEvent(id: string, ref: string): WireEvent {
  const text = TEXTS[id] ?? ""
  return { event: "error", id, message: text, description: text, ref }
}

function joinWith(status: object): object {
  return { event: "join_room", room_id: "free", status }
}

function to(peer: string, data: unknown): object {
  return { event: "send_to_peer", peer_id: peer, data }
}

function offer(): object {
  return { event: "offer", sdp: "" }
}
