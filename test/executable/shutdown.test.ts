// How it stops: gently, so that clients can go elsewhere, or at once.

import { expect, test } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
import { frame, handshake, OPCODE, RawSocket, textFrame } from "../helpers/raw-socket.ts"

/** Longer than any test may take: a test that passes has not waited for it. */
const LONG = ["--shutdown-seconds", "3600"]

const GONE = { code: 1001, reason: "server shuts down" }

/** A client whose first message has shown that it speaks palava. */
async function connectSpeaking(url: string): Promise<TestClient> {
  const client = await TestClient.connect(url)
  client.send({ event: "ping" })
  await client.next("pong")
  return client
}

test("SIGTERM announces the end, refuses newcomers, serves who is there, and ends in time", async () => {
  await using node = await startNode(["--shutdown-seconds", "2"])
  await using first = await TestClient.connect(node.url)
  await using second = await TestClient.connect(node.url)
  await first.join("end")
  await second.join("end")
  await first.next("new_peer")
  const begin = performance.now()
  node.kill("SIGTERM")
  for (const client of [first, second]) expect(await client.next()).toEqual({ event: "shutdown", seconds: 2 })

  for (const url of [node.httpUrl, node.adminUrl]) {
    const ready = await fetch(`${url}readyz`)
    expect([ready.status, await ready.text()]).toEqual([503, "not ready: shutting down\n"])
    expect((await fetch(`${url}healthz`)).status).toBe(200)
  }
  using late = await RawSocket.connect(node.port, handshake())
  await late.waitUntil(() => late.head !== "", "an answer")
  expect(late.head).toStartWith("HTTP/1.1 503 ")
  expect(late.head.toLowerCase()).toContain("retry-after: 1")

  first.send({ event: "send_to_peer", peer_id: second.ownId, data: { event: "message", text: "bye" } })
  expect(await second.next()).toEqual({ event: "message", text: "bye", sender_id: first.ownId })

  expect(await Promise.all([first.closed, second.closed])).toEqual([GONE, GONE])
  expect(performance.now() - begin).toBeGreaterThan(1_900)
  expect(await node.exited).toBe(0)
  expect(node.complaints()).toBe("")
})

test("a second SIGTERM ends the wait", async () => {
  await using node = await startNode(LONG)
  await using client = await TestClient.connect(node.url)
  await client.join("end")
  node.kill("SIGTERM")
  expect(await client.next()).toEqual({ event: "shutdown", seconds: 3600 })
  node.kill("SIGTERM")
  expect(await client.closed).toEqual(GONE)
  expect(await node.exited).toBe(0)
})

test("SIGINT ends the wait", async () => {
  await using node = await startNode(LONG)
  await using client = await connectSpeaking(node.url)
  node.kill("SIGTERM")
  await client.next("shutdown")
  node.kill("SIGINT")
  expect(await client.closed).toEqual(GONE)
  expect(await node.exited).toBe(0)
})

test("SIGINT alone ends it at once, without a word of seconds", async () => {
  await using node = await startNode(LONG)
  await using client = await TestClient.connect(node.url)
  await client.join("end")
  node.kill("SIGINT")
  expect(await client.closed).toEqual(GONE)
  expect(client.all.map(({ event }) => event)).toEqual(["joined_room"])
  expect(await node.exited).toBe(0)
})

test("nobody there: SIGTERM ends it at once", async () => {
  await using node = await startNode(LONG)
  node.kill("SIGTERM")
  expect(await node.exited).toBe(0)
})

test("a client that neither reads nor closes does not hold it up", async () => {
  await using node = await startNode(["--shutdown-seconds", "0"])
  using stubborn = await RawSocket.open(node.port)
  stubborn.write(textFrame({ event: "join_room", room_id: "end" }))
  await stubborn.nextEvent()
  stubborn.stopReading()
  node.kill("SIGTERM")
  expect(await node.exited).toBe(0)
})

test("who joins after the announcement is served until the end", async () => {
  await using node = await startNode(LONG)
  await using client = await connectSpeaking(node.url)
  node.kill("SIGTERM")
  await client.next("shutdown")
  expect((await client.join("late")).event).toBe("joined_room")
  node.kill("SIGTERM")
  expect(await client.closed).toEqual(GONE)
})

test("who has said nothing yet is told nothing, as nobody knows in which words, and is closed like all others", async () => {
  await using node = await startNode(LONG)
  await using client = await connectSpeaking(node.url)
  await using silent = await TestClient.connect(node.url)
  node.kill("SIGTERM")
  await client.next("shutdown")
  node.kill("SIGTERM")
  expect(await silent.closed).toEqual(GONE)
  expect(silent.all).toEqual([])
})

test("the port is free for the next one at once", async () => {
  const first = await startNode(["--shutdown-seconds", "0"])
  using raw = await RawSocket.open(first.port)
  raw.write(frame(OPCODE.ping, "x"))
  await raw.nextFrame()
  first.kill("SIGTERM")
  expect(await first.exited).toBe(0)
  await using next = await startNode(["--port", `${first.port}`])
  expect(next.port).toBe(first.port)
})
