// The bus of the simulation against the memory store: the same commands give the same answers and the same log, so what
// the simulation finds is about the hubs, not about a room kept differently.

import { expect, test } from "bun:test"
import { type NodeId, type PeerId, type RoomKey, toRoomKey } from "../../src/rooms/ids.ts"
import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import type { Member, RoomEvent, RoomListener } from "../../src/rooms/room-store.ts"
import { Bus } from "../helpers/bus.ts"
import { Random } from "../helpers/random.ts"

const SEED = Number(process.env["SEED"] || Math.floor(Math.random() * 2 ** 31))

/** 5,000 commands on 3 rooms of at most 3 members: each room opens, fills and closes hundreds of times. */
const COMMANDS = 5_000
const ROOMS = ["red", "green", "blue"].map(toRoomKey)
const PEERS = ["a", "b", "c", "d", "e"] as PeerId[]
const LIMIT = 3

/** A listener that only keeps the log. */
function listenTo(log: [RoomKey, RoomEvent][]): RoomListener {
  return {
    onRoomEvent: (room, event) => log.push([room, event]),
    onRelay() {},
    onRelayFailed() {},
    onRoomOpened() {},
    onRoomClosed() {},
    async onResync() {},
  }
}

/** Gives epochs, which are random, the numbers of their first appearance. */
function makeNumberer(): (value: unknown) => string {
  const numbers = new Map<string, number>()
  return (value) =>
    JSON.stringify(value, (key, field: unknown) => {
      if (key !== "epoch" || field === "") return field
      const epoch = field as string
      if (!numbers.has(epoch)) numbers.set(epoch, numbers.size)
      return numbers.get(epoch)
    }) ?? "undefined"
}

test(`the bus keeps rooms as the memory store does (SEED=${SEED})`, async () => {
  const random = new Random(SEED)
  const memory = new MemoryRoomStore()
  const bus = new Bus()
  const node = memory.node
  const logs: [[RoomKey, RoomEvent][], [RoomKey, RoomEvent][]] = [[], []]
  await memory.start(listenTo(logs[0]))
  bus.channels.set(node, (message) => {
    if (message.kind === "events")
      logs[1].push(...message.events.map((event) => [message.room, event] as [RoomKey, RoomEvent]))
  })
  const numbered = [makeNumberer(), makeNumberer()] as const
  const some = (of: NodeId): Member[] =>
    PEERS.filter(() => random.chance(0.4)).map((peer) => ({
      peer,
      node: of,
      generation: random.below(4),
      rev: 9,
      status: "{}",
    }))

  for (let count = 0; count < COMMANDS; count++) {
    const room = random.pick(ROOMS) as RoomKey
    const peer = random.pick(PEERS) as PeerId
    const generation = random.below(4)
    const rev = random.below(20)
    let answers: [unknown, unknown]
    switch (random.weighted({ join: 4, leave: 6, updateStatus: 2, snapshot: 1, restore: 1 })) {
      case "join": {
        const request = { room, peer, generation, rev, status: "{}", limit: LIMIT, withSnapshot: random.chance(0.5) }
        answers = [await memory.join(request), bus.join(node, request)]
        break
      }
      case "leave":
        answers = [await memory.leave(room, peer, generation), bus.leave(room, peer, generation)]
        break
      case "updateStatus":
        answers = [await memory.updateStatus(room, peer, rev, "{}"), bus.updateStatus(room, peer, rev, "{}")]
        break
      case "snapshot":
        answers = [await memory.snapshot(room), bus.snapshot(room)]
        break
      case "restore": {
        const own = some(node)
        answers = [await memory.restore(room, own, []), bus.restore(node, room, own, [])]
        // What is left of a room that a restore empties is told differently: the log tells it is gone.
        if (own.length === 0) answers = ["restored", "restored"]
      }
    }
    expect(numbered[1](answers[1])).toBe(numbered[0](answers[0]))
    expect(numbered[1](logs[1].splice(0))).toBe(numbered[0](logs[0].splice(0)))
  }
  expect(bus.rooms.size).toBe(memory.size)
})
