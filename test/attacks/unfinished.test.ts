// What has come and is not whole: frames, in pieces or not, and bodies of requests. Nobody but the kernel knows of frames; all
// of it counts against --memory-mb.

import { expect, test } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { frame, handshake, OPCODE, RawSocket } from "../helpers/raw-socket.ts"

/** 32 MiB: what the node may keep; it is over half of that by itself, so unfinished frames are looked at. */
const MEMORY = ["--memory-mb", "32", "--trust-proxy", "127.0.0.1"]

/** Nearly 1 MiB, the longest frame of any dialect: 60 are 57 MiB. */
const PART = Buffer.alloc(1_000_000, "x")
const MANY = 60

const ATTACKER = { "X-Forwarded-For": "203.0.113.66" }

/** A frame that announces more than it brings. */
const begun = frame(OPCODE.text, Buffer.alloc(1_048_570)).subarray(0, 14 + PART.length)

/** A message in fragments, the last of which never comes; pings in between are answered, as by any client that lives. */
const fragments = Buffer.concat([
  frame(OPCODE.text, PART.subarray(0, 500_000), { isFinal: false }),
  frame(OPCODE.ping),
  frame(OPCODE.continuation, PART.subarray(500_000), { isFinal: false }),
  frame(OPCODE.ping),
])

for (const [what, bytes] of [
  ["frames", begun],
  ["messages in fragments", fragments],
] as const) {
  test(`${what} that are never ended: some go, and nobody else`, async () => {
    await using node = await startNode(MEMORY)
    await using talker = await talk(node)
    const sockets = await Promise.all(Array.from({ length: MANY }, () => RawSocket.open(node.port, ATTACKER)))
    for (const socket of sockets) socket.write(bytes)
    // 57 are kept, of 32: some 28 have to go until 28.8 are left.
    while ((await node.metric("palava_connections_closed_total", "memory")) < 28);
    await talker.drain()
    expect(await node.metric("palava_connections")).toBeGreaterThan(20)
    expect(await node.metric("palava_connections")).toBeLessThanOrEqual(MANY - 28 + 1)
    for (const socket of sockets) socket.reset()
  })
}

test("so it is with bodies of requests", async () => {
  await using node = await startNode(MEMORY)
  await using talker = await talk(node)
  const posts = await Promise.all(Array.from({ length: MANY }, () => post(node)))
  while ((await node.metric("palava_connections_closed_total", "memory")) < 28);
  await talker.drain()
  for (const socket of posts) socket.reset()
})

test("what is longer than any request may be is not waited for", async () => {
  await using node = await startNode()
  using socket = await RawSocket.connect(
    node.port,
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
  )
  await socket.waitUntil(() => socket.head !== "", "an answer")
  expect(socket.head).toStartWith("HTTP/1.1 413 ")
})

/** A member who has said more than an attacker holds, every word of it whole. */
async function talk(node: TestNode): Promise<TestClient> {
  const talker = await TestClient.connect(node.url)
  await talker.join("room")
  for (let count = 0; count < 50; count++) talker.send({ event: "update_status", status: { text: "ü".repeat(2_000) } })
  await talker.drain()
  return talker
}

/** A client that polls, and sends a body that is never whole. */
async function post(node: TestNode): Promise<RawSocket> {
  const headers = ATTACKER
  const opening = await fetch(`${node.httpUrl}socket.io/?EIO=3&transport=polling`, { headers })
  const sid = /"sid":"([^"]+)"/.exec(await opening.text())?.[1] ?? ""
  const request = handshake(
    { ...headers, "Transfer-Encoding": "chunked" },
    `/socket.io/?EIO=3&transport=polling&sid=${sid}`,
  )
  const plain = request.replace("GET", "POST").replace(/(Upgrade|Connection|Sec-WebSocket-\w+): .*\r\n/g, "")
  const socket = await RawSocket.connect(node.port, plain)
  socket.write(`${PART.length.toString(16)}\r\n`)
  socket.write(PART)
  return socket
}
