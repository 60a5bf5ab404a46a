// The listener when our own code fails: the client that met the bug is parted from, the others live.

import { expect, test } from "bun:test"
import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import { listenForSockets, ServerTopics } from "../../src/server/sockets.ts"
import { Hub } from "../../src/signaling/hub.ts"
import { TestClient } from "../helpers/client.ts"

const LIMITS = { roomSize: 9, ratePerSecond: 0, rateBurst: 1, pingSeconds: 25, deadSeconds: 50 }

/** A hub that has a bug where nothing waits for a promise. */
class BrokenHub extends Hub {
  override relay(): void {
    throw new Error("secret")
  }
}

test("a bug that a message meets closes that connection with 1011 and is logged once", async () => {
  const logged: string[] = []
  const note = (_fields: object, message: string): void => {
    logged.push(message)
  }
  const log = { error: note, warn: note, info: note, debug: note }
  const topics = new ServerTopics()
  const hub = new BrokenHub({ store: new MemoryRoomStore(), topics, limits: LIMITS, log })
  await hub.start()
  const options = { host: "127.0.0.1", port: 0, tls: undefined, maxFrameBytes: 65_536, maxBacklogBytes: 65_536 }
  const answer = (): Response => new Response("none", { status: 404 })
  const sockets = listenForSockets({ ...options, maxConnections: 0, origins: [] }, hub, topics, answer)
  const url = `ws://127.0.0.1:${sockets.port}/`
  await using unlucky = await TestClient.connect(url)
  await using other = await TestClient.connect(url)
  await unlucky.join("room")
  await other.join("room")
  unlucky.send({ event: "send_to_peer", peer_id: other.ownId, data: { event: "message" } })
  expect(await unlucky.closed).toEqual({ code: 1011, reason: "internal error" })
  expect(await other.next()).toEqual({ event: "peer_left", sender_id: unlucky.ownId })
  expect(await other.drain()).toEqual([])
  expect(logged).toEqual(["bug: a message failed"])
  await hub.close()
  await sockets.stop()
})
