// The core does not know its plug-ins: a hub without any still does all of the protocol but what they bring.

import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import { Hub } from "../../src/signaling/hub.ts"
import { Session } from "../../src/signaling/session.ts"
import { LocalTopics } from "../helpers/local-topics.ts"

const LIMITS = { roomSize: 50, ratePerSecond: 0, rateBurst: 1000, pingSeconds: 25, deadSeconds: 50 }
const SILENT = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

/** A session with a socket that keeps what it is sent. */
function connect(hub: Hub, topics: LocalTopics): { session: Session; events: () => Record<string, unknown>[] } {
  const session = new Session(hub)
  const sent: string[] = []
  const socket = {
    send: (text: string) => sent.push(text),
    close: () => session.onClose(),
    ping: () => {},
    subscribe: (topic: string) => topics.subscribe(topic, socket),
    unsubscribe: (topic: string) => topics.unsubscribe(topic, socket),
  }
  session.onOpen(socket)
  return { session, events: () => sent.splice(0).map((text) => JSON.parse(text) as Record<string, unknown>) }
}

/** Until the store, which answers in micro-tasks, has had its say. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

test("a hub without plug-ins: everything but ice, info and the like", async () => {
  const topics = new LocalTopics()
  const hub = new Hub({ store: new MemoryRoomStore(), topics, limits: LIMITS, log: SILENT })
  await hub.start()
  const [a, b] = [connect(hub, topics), connect(hub, topics)]
  a.session.onMessage('{"event":"join_room","room_id":"r","status":{"name":"Ada"}}')
  await settle()
  expect(a.events()).toEqual([{ event: "joined_room", own_id: a.session.peer, peers: [] }])
  b.session.onMessage('{"event":"join_room","room_id":"r","ref":1}')
  await settle()
  expect(b.events()).toEqual([
    {
      event: "joined_room",
      own_id: b.session.peer,
      peers: [{ peer_id: a.session.peer, status: { name: "Ada" } }],
      ref: 1,
    },
  ])
  expect(a.events()).toEqual([{ event: "new_peer", peer_id: b.session.peer, status: {} }])
  a.session.onMessage(`{"event":"send_to_peer","peer_id":"${b.session.peer}","data":{"event":"offer","sdp":"x"}}`)
  expect(b.events()).toEqual([{ event: "offer", sdp: "x", sender_id: a.session.peer }])
  b.session.onMessage('{"event":"update_status","status":{"name":"Bob"}}')
  await settle()
  const updated = { event: "peer_updated_status", sender_id: b.session.peer, status: { name: "Bob" } }
  expect([...a.events(), ...b.events()]).toEqual([updated, updated])
  a.session.onMessage('{"event":"ping","ref":2}')
  a.session.onMessage('{"event":"info"}')
  expect(a.events()).toMatchObject([
    { event: "pong", ref: 2 },
    { event: "error", id: "unknown_event" },
  ])
  b.session.onClose()
  await settle()
  expect(a.events()).toEqual([{ event: "peer_left", sender_id: b.session.peer }])
  a.session.onMessage('{"event":"leave_room"}')
  await settle()
  expect(hub.roomCount).toBe(0)
  await hub.close()
})

test("nothing in the core names a plug-in", () => {
  for (const folder of ["signaling", "rooms", "protocol", "redis", "server"]) {
    const path = join(import.meta.dir, "../../src", folder)
    for (const file of readdirSync(path)) {
      expect(readFileSync(join(path, file), "utf8")).not.toMatch(/from "\.\.\/(plugins|stats)\//)
    }
  }
})
