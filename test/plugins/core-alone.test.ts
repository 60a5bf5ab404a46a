// The core does not know its plug-ins: a node without any still does all of the protocol but what they bring.

import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { PlainNode, settle } from "../helpers/plain-node.ts"

test("a node without plug-ins: everything but ice, info and the like", async () => {
  const node = await PlainNode.start()
  const [a, b] = [node.connect(), node.connect()]
  a.send('{"event":"join_room","room_id":"r","status":{"name":"Ada"}}')
  await settle()
  expect(a.take()).toEqual([{ event: "joined_room", own_id: a.id, peers: [] }])
  b.send('{"event":"join_room","room_id":"r","ref":1}')
  await settle()
  expect(b.take()).toEqual([
    {
      event: "joined_room",
      own_id: b.id,
      peers: [{ peer_id: a.id, status: { name: "Ada" } }],
      ref: 1,
    },
  ])
  expect(a.take()).toEqual([{ event: "new_peer", peer_id: b.id, status: {} }])
  a.send(`{"event":"send_to_peer","peer_id":"${b.id}","data":{"event":"offer","sdp":"x"}}`)
  expect(b.take()).toEqual([{ event: "offer", sdp: "x", sender_id: a.id }])
  b.send('{"event":"update_status","status":{"name":"Bob"}}')
  await settle()
  const updated = { event: "peer_updated_status", sender_id: b.id, status: { name: "Bob" } }
  expect([...a.take(), ...b.take()]).toEqual([updated, updated])
  a.send('{"event":"ping","ref":2}')
  a.send('{"event":"info"}')
  expect(a.take()).toMatchObject([
    { event: "pong", ref: 2 },
    { event: "error", id: "unknown_event" },
  ])
  b.close()
  await settle()
  expect(a.take()).toEqual([{ event: "peer_left", sender_id: b.id }])
  a.send('{"event":"leave_room"}')
  await settle()
  expect(node.rooms.registry.size).toBe(0)
  await node.close()
})

test("nothing in the core names a plug-in", () => {
  for (const folder of ["connections", "dialects", "rooms", "cluster", "server"]) {
    const path = join(import.meta.dir, "../../src", folder)
    for (const file of readdirSync(path, { recursive: true }) as string[]) {
      if (!file.endsWith(".ts")) continue
      expect(readFileSync(join(path, file), "utf8")).not.toMatch(/from "(\.\.\/)+(plugins|stats)\//)
    }
  }
})
