// Rooms over plain objects and a store whose answers and events come over two ways: whatever the order, each client
// hears joined_room first, everybody once, and nothing of who is gone.

import { describe, expect, test } from "bun:test"
import { makeHolder } from "../../src/dialects/holder.ts"
import { PALAVA_ENCODER } from "../../src/dialects/palava/encoder.ts"
import { type PeerId, toRoomKey } from "../../src/rooms/ids.ts"
import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import { StoreUnavailable } from "../../src/rooms/room-store.ts"
import { ClientView } from "../helpers/client-view.ts"
import { HeldStore, type PlainClient, PlainNode, settle, type Way } from "../helpers/plain-node.ts"

const ROOM = { event: "join_room", room_id: "room" }
const KEY = toRoomKey("room")

/** How long the event of an answer is waited for before the room is repaired. */
const EVENT_WAIT_MS = 500

/** A node over a held store, with one member in the room. */
async function started(): Promise<{ store: HeldStore; node: PlainNode; first: PlainClient }> {
  const store = new HeldStore()
  const node = await PlainNode.start(store)
  const first = node.connect()
  first.send(ROOM)
  await store.release("answers")
  await store.release("events")
  expect(first.take()).toEqual([{ event: "joined_room", own_id: first.id, peers: [] }])
  return { store, node, first }
}

describe("joining", () => {
  for (const order of [["events", "answers"] as Way[], ["answers", "events"] as Way[]]) {
    test(`${order.join(" before ")}: the newcomer meets all, all meet the newcomer`, async () => {
      const { store, first, node } = await started()
      const [second, third] = [node.connect(), node.connect()]
      second.send({ ...ROOM, status: { n: 2 } })
      third.send({ ...ROOM, status: { n: 3 } })
      for (const way of order) await store.release(way)
      expect(second.take()).toEqual([
        { event: "joined_room", own_id: second.id, peers: [{ peer_id: first.id, status: {} }] },
        { event: "new_peer", peer_id: third.id, status: { n: 3 } },
      ])
      expect(third.take()).toEqual([
        {
          event: "joined_room",
          own_id: third.id,
          peers: [
            { peer_id: first.id, status: {} },
            { peer_id: second.id, status: { n: 2 } },
          ],
        },
      ])
      expect(first.take()).toEqual([
        { event: "new_peer", peer_id: second.id, status: { n: 2 } },
        { event: "new_peer", peer_id: third.id, status: { n: 3 } },
      ])
    })
  }

  test("an answer without its event: the room is repaired after a while", async () => {
    const { store, node, first } = await started()
    store.loses = (event) => event.kind === "joined"
    const second = node.connect()
    second.send(ROOM)
    await settle()
    store.loses = () => false
    await store.release("answers")
    await store.release("events")
    expect([first.take(), second.take()]).toEqual([[], []])
    node.clock.pass(EVENT_WAIT_MS)
    await settle()
    await store.release("answers")
    expect(second.take()).toEqual([
      { event: "joined_room", own_id: second.id, peers: [{ peer_id: first.id, status: {} }] },
    ])
    expect(first.take()).toEqual([{ event: "new_peer", peer_id: second.id, status: {} }])
    expect(node.rooms.counters.gapsRepaired).toBe(1)
  })

  test("an answer that comes behind a restore which did not know of it: the newcomer is in all the same", async () => {
    const { store, node, first } = await started()
    const answered = Promise.withResolvers<void>()
    store.join = async (request) => {
      const result = await MemoryRoomStore.prototype.join.call(store, request)
      await answered.promise
      return result
    }
    const second = node.connect()
    second.send(ROOM)
    await settle()
    const resynced = store.resync()
    await store.release("answers")
    await resynced
    await store.releaseAll()
    expect(second.take()).toEqual([])
    answered.resolve()
    await settle()
    expect(second.take()).toEqual([
      { event: "joined_room", own_id: second.id, peers: [{ peer_id: first.id, status: {} }] },
    ])
    expect(first.take()).toEqual([{ event: "new_peer", peer_id: second.id, status: {} }])
  })

  for (const ifTaken of ["leave", "takeOver", "refuse"] as const) {
    test(`of one peer, one at a time (${ifTaken}): the first on its way in is not displaced`, async () => {
      const { store, node, first } = await started()
      const [second, third] = [node.connect(), node.connect()]
      const heard: string[] = []
      const join = (name: string, { connection }: PlainClient) => {
        const told = (event: string) => () => void heard.push(`${name} ${event}`)
        const holder = makeHolder(connection, {
          onJoined: told("joined"),
          onTakenOver: told("taken over"),
          onReplaced: told("replaced"),
          onRelayFailed: told("failed"),
        })
        const wish = { room: KEY, encoder: PALAVA_ENCODER, holder, status: "{}", limit: 10, ifTaken, ref: undefined }
        return node.rooms.commands.join({ ...wish, peer: "one" as PeerId })
      }
      const [one, other] = [join("second", second), join("third", third)]
      expect(await other).toBe("taken")
      await store.release("events", 1)
      await store.release("answers", 1)
      expect([await one, heard]).toEqual(["joined", ["second joined"]])
      expect(first.take()).toEqual([{ event: "new_peer", peer_id: "one", status: {} }])
      await store.releaseAll()
      expect((await store.snapshot(KEY)).members.map(({ peer }) => peer as string)).toEqual([first.id, "one"])
    })
  }

  test("a full room costs nothing, and leaves nothing", async () => {
    const store = new MemoryRoomStore()
    const node = await PlainNode.start(store, { limits: { roomSize: 1 } })
    const [first, second] = [node.connect(), node.connect()]
    first.send(ROOM)
    await settle()
    for (let count = 0; count < 100; count++) second.send(ROOM)
    await settle()
    expect(second.take().map(({ id }) => id)).toEqual(Array.from({ length: 100 }, () => "room_full"))
    expect(first.take().map(({ event }) => event)).toEqual(["joined_room"])
    first.close()
    await settle()
    expect([store.size, node.rooms.registry.size]).toEqual([0, 0])
  })

  test("the store is away: unavailable, and the next resync takes out what may have happened", async () => {
    const { store, node, first } = await started()
    const second = node.connect()
    store.failure = new StoreUnavailable()
    second.send({ ...ROOM, ref: 1 })
    await store.release("answers")
    expect(second.take().map(({ id, ref }) => [id, ref])).toEqual([["unavailable", 1]])
    await store.releaseAll()
    await store.resync()
    await settle()
    expect((await store.snapshot(KEY)).members.map(({ peer }) => peer as string)).toEqual([first.id])
    second.send(ROOM)
    await settle()
    expect(second.take().map(({ event }) => event)).toEqual(["joined_room"])
    for (const client of [first, second]) expectFaithful(client)
  })
})

describe("a store that stops speaking", () => {
  test("a join whose event never comes is answered in time, taken back, and holds up nothing", async () => {
    const { store, node, first } = await started()
    const second = node.connect()
    second.send({ ...ROOM, ref: "r" })
    second.send({ event: "ping" })
    store.loses = () => true
    await store.release("answers", 1)
    node.clock.pass()
    await settle()
    expect(second.take().map(({ event, id, ref }) => id ?? ref ?? event)).toEqual(["unavailable", "pong"])
    store.loses = () => false
    node.clock.pass()
    await store.releaseAll()
    await settle()
    expect((await store.snapshot(KEY)).members.map(({ peer }) => peer as string)).toEqual([first.id])
  })
})

describe("leaving", () => {
  test("who leaves hears nothing more, though events of the room are on their way", async () => {
    const { store, node, first } = await started()
    const second = node.connect()
    second.send(ROOM)
    await store.release("answers")
    first.send({ event: "leave_room" })
    await store.releaseAll()
    await settle()
    expect(first.take()).toEqual([])
    expect(second.take()).toEqual([
      { event: "joined_room", own_id: second.id, peers: [{ peer_id: first.id, status: {} }] },
      { event: "peer_left", sender_id: first.id },
    ])
  })

  test("nothing of a room is kept when its last member is gone", async () => {
    const { store, node, first } = await started()
    await store.releaseAll()
    for (let round = 0; round < 50; round++) {
      first.send({ event: "leave_room" })
      first.send({ event: "join_room", room_id: `room ${round}` })
    }
    await settle()
    expect([store.size, node.rooms.registry.size]).toEqual([1, 1])
    first.close()
    await settle()
    expect([store.size, node.rooms.registry.size, node.connections.open.size]).toEqual([0, 0, 0])
    expect(node.rooms.counters.joins).toBe(node.rooms.counters.leaves)
    expect(node.rooms.counters.roomsOpened).toBe(node.rooms.counters.roomsClosed)
  })
})

describe("gaps in the log", () => {
  test("are found by the next event and repaired by a snapshot, as differences", async () => {
    const { store, node, first } = await started()
    const [second, third] = [node.connect(), node.connect()]
    second.send(ROOM)
    await store.release("answers")
    await store.release("events")
    first.take()
    second.take()
    // The status gets lost; the join behind it shows that something is missing.
    store.loses = (event) => event.kind === "status"
    second.send({ event: "update_status", status: { lost: true } })
    third.send(ROOM)
    await settle()
    await store.releaseAll()
    await settle()
    expect(first.take()).toEqual([
      { event: "peer_updated_status", sender_id: second.id, status: { lost: true } },
      { event: "new_peer", peer_id: third.id, status: {} },
    ])
    expect(third.take()[0]?.["peers"]).toEqual([
      { peer_id: first.id, status: {} },
      { peer_id: second.id, status: { lost: true } },
    ])
    for (const client of [first, second, third]) expectFaithful(client)
  })

  test("a lost leave is repaired too", async () => {
    const { store, node, first } = await started()
    const second = node.connect()
    second.send(ROOM)
    await store.release("answers")
    await store.release("events")
    store.loses = (event) => event.kind === "left"
    second.close()
    await settle()
    store.loses = () => false
    await store.releaseAll()
    // The first wait is still the one for the event of the join; the one for the leave's begins after it.
    node.clock.pass(EVENT_WAIT_MS)
    node.clock.pass(EVENT_WAIT_MS)
    await settle()
    expect(first.take().at(-1)).toEqual({ event: "peer_left", sender_id: second.id })
    expectFaithful(first)
  })
})

describe("relaying", () => {
  test("a message reaches who is in the room now, and nobody else", async () => {
    const { store, node, first } = await started()
    await store.releaseAll()
    const [second, outside] = [node.connect(), node.connect()]
    second.send(ROOM)
    await settle()
    first.take()
    for (const [target, answer] of [
      [second.id, undefined],
      [outside.id, "unknown_peer"],
      ["__proto__", "unknown_peer"],
    ] as const) {
      first.send({ event: "send_to_peer", peer_id: target, data: { event: "message", a: [1] } })
      expect(first.take().map(({ id }) => id as unknown)).toEqual(answer === undefined ? [] : [answer])
    }
    second.send({ event: "leave_room" })
    first.send({ event: "send_to_peer", peer_id: second.id, data: { event: "message", a: [2] } })
    expect(first.take().map(({ id }) => id)).toContain("unknown_peer")
    await settle()
    expect(second.take().slice(1)).toEqual([{ event: "message", a: [1], sender_id: first.id }])
    expect(outside.all).toEqual([])
  })
})

describe("closing", () => {
  test("all leave their rooms, all connections close with 1001, joins under way leave no ghost", async () => {
    const { store, node, first } = await started()
    const second = node.connect()
    second.send(ROOM)
    await settle()
    const closing = node.close()
    const third = node.connect()
    third.send({ event: "join_room", room_id: "late", ref: "late" })
    await store.releaseAll()
    await closing
    await settle()
    for (const client of [first, second]) expect(client.closed).toEqual({ code: 1001, reason: "over" })
    expect(third.all.map(({ id, ref }) => [id, ref])).toEqual([["unavailable", "late"]])
    expect(store.size).toBe(0)
    expect(node.logged).toEqual([])
  })
})

/** Judges all a client was sent. */
function expectFaithful(client: PlainClient): void {
  const view = new ClientView()
  for (const event of client.all) view.see(event)
}
