// The listener when our own code fails: the client that met the bug is parted from, the others live.

import { expect, test } from "bun:test"
import { listenForSockets } from "../../src/server/sockets.ts"
import { ServerTopics } from "../../src/server/topics.ts"
import { TestClient } from "../helpers/client.ts"
import { PlainNode } from "../helpers/plain-node.ts"

test("a bug that a message meets closes that connection with 1011 and is logged once", async () => {
  const topics = new ServerTopics()
  const node = await PlainNode.start(undefined, { topics })
  const { connections, dialects, logged } = node
  // A bug where nothing waits for a promise.
  node.rooms.commands.relay = () => {
    throw new Error("secret")
  }
  const note = (_fields: object, message: string): void => {
    logged.push(message)
  }
  const log = { error: note, warn: note, info: note, debug: note }
  const answer = (): Response => new Response("none", { status: 404 })
  const sockets = listenForSockets(
    {
      host: "127.0.0.1",
      port: 0,
      reusePort: false,
      tls: undefined,
      hstsSeconds: 0,
      maxFrameBytes: 65_536,
      maxBacklogBytes: 65_536,
      origins: [],
      trustedProxies: [],
    },
    { connections, dialects, hooks: {}, topics, log, answer },
  )
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
  await node.close()
  await sockets.stop()
})
