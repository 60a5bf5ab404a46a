// Random clients on one node: whatever they do, and whenever the store's answers and events come, each one's view keeps
// the guarantees of order and equals the truth at the end, and nothing is left when all are gone.
//
// The seed is the same each time; make fuzz draws one and runs for minutes.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { type RoomKey, toRoomKey } from "../../src/rooms/ids.ts"
import type { RoomEvent } from "../../src/rooms/room-store.ts"
import { TestClient, type WireEvent } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { HeldStore, type PlainClient, PlainNode, settle, type Way } from "../helpers/plain-node.ts"
import { type Act, Actor, anyAct, expectStaysInLog, heardFrom, ROOMS } from "./actor.ts"
import { ONE_SEED } from "./seeds.ts"

const IS_LONG = process.env["FUZZ"] === "long"

/** Ten minutes for the long runs, one for the others: reached only when something hangs. */
const MOST_MS = IS_LONG ? 600_000 : 60_000

/** More clients than places in a room. */
const CLIENTS = 5
const ROOM_SIZE = 4

/** A client does something, or the store lets something go on. */
type Step = { readonly client: number; readonly act: Act } | { readonly way: Way; readonly count: number }

const anyClientStep = fc.record({ client: fc.nat(CLIENTS - 1), act: anyAct(CLIENTS) })
const anyRelease = fc.record({ way: fc.constantFrom<Way>("events", "answers"), count: fc.integer({ min: 1, max: 4 }) })
const anySteps = fc.array(fc.oneof({ weight: 3, arbitrary: anyClientStep }, { weight: 2, arbitrary: anyRelease }), {
  maxLength: 80,
  size: "max",
})

/** Asserts with our seed, and tells how to see a failure again, in its shortest form where the same run can be repeated. */
async function hold<T>(runs: number, canRepeat: boolean, property: fc.IAsyncProperty<T>): Promise<void> {
  try {
    await fc.assert(property, { seed: ONE_SEED, numRuns: runs, endOnFailure: !canRepeat })
  } catch (cause) {
    console.error(`to see it again: make fuzz SEED=${ONE_SEED}`)
    throw cause
  }
}

/** A held store that writes down the log of every room, as ClientView does. */
class LoggedStore extends HeldStore {
  readonly logs = new Map<RoomKey, string[]>()

  override onAnnounced(key: RoomKey, event: RoomEvent): void {
    const log = this.logs.get(key) ?? []
    this.logs.set(key, log)
    if (event.kind === "joined") log.push(`+${event.member.peer}${event.member.status}`)
    else if (event.kind === "left") log.push(`-${event.peer}`)
    else if (event.kind === "status") log.push(`=${event.peer}${event.status}`)
  }
}

test(
  "in one process, with a store that answers when it likes",
  async () => {
    await hold(IS_LONG ? 100_000 : 1_000, true, fc.asyncProperty(anySteps, runInProcess))
  },
  MOST_MS,
)

async function runInProcess(steps: readonly Step[]): Promise<void> {
  const store = new LoggedStore()
  const node = await PlainNode.start(store, { limits: { roomSize: ROOM_SIZE } })
  const everybody: { client: PlainClient; actor: Actor; isOpen: boolean }[] = []
  const current: number[] = []
  const connect = (index: number): void => {
    const client = node.connect()
    const actor = new Actor(
      (message) => client.send(message),
      (to) => everybody[current[to] as number]?.client.id ?? "",
    )
    current[index] = everybody.push({ client, actor, isOpen: true }) - 1
  }
  const hearAll = (): void => {
    for (const { client, actor } of everybody) for (const event of client.take()) actor.hear(event)
  }
  for (let index = 0; index < CLIENTS; index++) connect(index)

  for (const step of steps) {
    if ("way" in step) await store.release(step.way, step.count)
    else {
      const one = everybody[current[step.client] as number]
      if (step.act.kind !== "reconnect") one?.actor.do(step.act)
      else if (one !== undefined) {
        one.client.close()
        one.isOpen = false
        connect(step.client)
      }
      await settle()
    }
    hearAll()
  }
  await store.releaseAll()
  await settle()
  hearAll()

  // Every view equals the truth, and has come to it by the room's own log.
  const logs = new Map(ROOMS.map((room) => [room, store.logs.get(toRoomKey(room)) ?? []]))
  const actors = everybody.map(({ actor }) => actor)
  for (const { client, actor, isOpen } of everybody) {
    const heard = heardFrom(client.id, actors)
    if (!isOpen) {
      expect(heard + actor.refused).toBeLessThanOrEqual(actor.sent())
      continue
    }
    expectStaysInLog(client.id, actor, logs)
    expect([heard + actor.refused, actor.answeredBad]).toEqual([actor.sent(), actor.bad])
    const members = actor.room === undefined ? [] : (await store.snapshot(toRoomKey(actor.room))).members
    const truth = members.filter(({ peer }) => peer !== client.id).map(({ peer, status }) => [peer, status] as const)
    expect(actor.view.members).toEqual(new Map<string, string>(truth))
    expect(members.some(({ peer }) => peer === client.id)).toBe(actor.room !== undefined)
  }

  for (const { client, isOpen } of everybody) if (isOpen) client.close()
  await settle()
  const { counters, registry } = node.rooms
  expect([store.size, registry.size, node.connections.open.size, node.topics.size]).toEqual([0, 0, 0, 0])
  expect(counters.joins).toBe(counters.leaves)
  expect(counters.roomsOpened).toBe(counters.roomsClosed)
  expect(node.logged).toEqual([])
}

let server: TestNode
beforeAll(async () => {
  server = await startNode(["--room-size", `${ROOM_SIZE + 1}`, "--rate-per-second", "0"])
})
afterAll(async () => {
  expect(server.complaints()).toBe("")
  await server[Symbol.asyncDispose]()
})

test(
  "the executable, over sockets",
  async () => {
    const anyActs = fc.array(anyClientStep, { maxLength: 120, size: "max" })
    await hold(IS_LONG ? 1_000 : 25, false, fc.asyncProperty(anyActs, runOverSockets))
  },
  MOST_MS,
)

async function runOverSockets(steps: readonly { client: number; act: Act }[]): Promise<void> {
  const opened: TestClient[] = []
  const open = async (): Promise<TestClient> => {
    const client = await TestClient.connect(server.url)
    opened.push(client)
    return client
  }
  try {
    await liveOverSockets(steps, open)
  } finally {
    for (const client of opened) client.terminate()
    while ((await server.metric("palava_connections")) > 0);
  }
  expect(await server.metric("palava_rooms")).toBe(0)
}

async function liveOverSockets(
  steps: readonly { client: number; act: Act }[],
  open: () => Promise<TestClient>,
): Promise<void> {
  // Somebody sits in each room from the first to the last, so what it sees is the room's log.
  const sitters = await Promise.all(
    ROOMS.map(async (room) => {
      const client = await open()
      await client.join(room)
      return { room, client }
    }),
  )
  const everybody: { client: TestClient; actor: Actor; isOpen: boolean }[] = []
  const current: number[] = []
  const connect = async (index: number): Promise<void> => {
    const client = await open()
    const actor = new Actor(
      (message) => client.send(message),
      (to) => everybody[current[to] as number]?.actor.view.ownId ?? "",
    )
    current[index] = everybody.push({ client, actor, isOpen: true }) - 1
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => connect(index)))
  const drainAll = async (): Promise<void> => {
    const present = everybody.filter(({ isOpen }) => isOpen)
    // Twice: the first proves that all was handled, the second that all its effects have come.
    for (let round = 0; round < 2; round++) {
      for (const { client, actor } of present) for (const event of await client.drain()) actor.hear(event)
      for (const { client } of sitters) await client.drain()
    }
  }
  for (const [index, { client, act }] of steps.entries()) {
    const one = everybody[current[client] as number]
    if (act.kind !== "reconnect") one?.actor.do(act)
    else if (one !== undefined) {
      one.isOpen = false
      if (index % 2 === 0) one.client.terminate()
      else await one.client.close()
      await connect(client)
    }
    // Now and then they learn each other's ids; in between, all of it is under way at once.
    if (index % 20 === 0) await drainAll()
  }
  for (const { client, isOpen } of everybody) if (!isOpen) await client.closed
  await drainAll()
  // The connections that were cut have left by now: the server closed them before it read what the others sent last.
  await drainAll()

  const logs = new Map<string, string[]>()
  for (const { room, client } of sitters) logs.set(room, logOf(client.all))
  const actors = everybody.map(({ actor }) => actor)
  const closed = new Set(everybody.filter(({ isOpen }) => !isOpen).map(({ actor }) => actor.view.ownId))
  for (const { actor, isOpen } of everybody) {
    const { ownId } = actor.view
    if (!isOpen || ownId === "") continue
    expectStaysInLog(ownId, actor, logs)
    expect(actor.answeredBad).toBe(actor.bad)
    // Only what was sent to those who have closed may be missing: they may have gone without reading it.
    const missing = actor.sent() - actor.refused - heardFrom(ownId, actors)
    expect(missing).toBeGreaterThanOrEqual(0)
    expect(missing).toBeLessThanOrEqual(actor.sent((target) => closed.has(target)))
  }
  for (const room of ROOMS) {
    const inside = actors.filter((actor, index) => actor.room === room && everybody[index]?.isOpen)
    const sitter = sitters.find((one) => one.room === room)?.client.ownId ?? ""
    for (const actor of inside) {
      const others = inside.filter((other) => other !== actor).map(({ view }) => view.ownId)
      expect([...actor.view.members.keys()].sort()).toEqual([sitter, ...others].sort())
    }
  }
}

/** A room's log, as one who was there all the time has seen it. */
function logOf(events: readonly WireEvent[]): string[] {
  return events.flatMap(({ event, peer_id: peer, sender_id: sender, status }) => {
    if (event === "new_peer") return [`+${peer}${JSON.stringify(status)}`]
    if (event === "peer_left") return [`-${sender}`]
    return event === "peer_updated_status" ? [`=${sender}${JSON.stringify(status)}`] : []
  })
}
