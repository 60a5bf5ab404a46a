// Places run out: who is in no room goes first, what is no client has open files kept back for it, and operators get
// their answers.

import { afterEach, expect, test } from "bun:test"
import { createConnection, type Socket } from "node:net"
import { TestClient } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
import { RawSocket } from "../helpers/raw-socket.ts"

/** A process may have so many files open here; 100 of them are kept back. */
const OPEN_FILES = 400
const PLACES = OPEN_FILES - 100

/** Twice what the process may have. */
const TOO_MANY = OPEN_FILES * 2

let opened: Socket[] = []
afterEach(() => {
  for (const socket of opened) socket.destroy()
  opened = []
})

/** Connects so many sockets, each of which says `text` and no more. */
function connectMany(port: number, count: number, text: string): void {
  for (let number = 0; number < count; number++) {
    const socket = createConnection({ port, host: "127.0.0.1" })
    socket.on("error", () => {})
    if (text !== "") socket.write(text)
    opened.push(socket)
  }
}

for (const [what, text] of [
  ["that say nothing", ""],
  ["that begin a request and never end it", "GET / HTTP/1.1\r\nHost: example.org\r\nX-Slow: "],
] as const) {
  test(`sockets ${what} do not take the places of clients, operators and Redis`, async () => {
    await using node = await startNode([], {}, undefined, OPEN_FILES)
    await using first = await TestClient.connect(node.url)
    await first.join("room")
    connectMany(node.port, TOO_MANY, text)
    while ((await node.metric("palava_refused_total", "open_files")) === 0);
    await using second = await TestClient.connect(node.url)
    expect((await second.join("room")).event).toBe("joined_room")
    expect((await fetch(`${node.adminUrl}healthz`)).status).toBe(200)
    expect(await node.metric("palava_connections")).toBe(2)
    expect(await first.drain()).toMatchObject([{ event: "new_peer" }])
  })
}

test("when places run out, who is in no room goes, the oldest first, and may come back", async () => {
  await using node = await startNode(["--address-connects-per-second", "0"], {}, undefined, OPEN_FILES)
  await using member = await TestClient.connect(node.url)
  await member.join("room")
  const idle = await Promise.all(Array.from({ length: PLACES - 10 }, () => RawSocket.open(node.port)))
  // Nine of ten places are kept filled; who has not joined in 5 s makes room.
  expect(await idle[0]?.closed).toBe(4429)
  expect(await node.metric("palava_connections")).toBeLessThanOrEqual(PLACES * 0.9)
  expect(await node.metric("palava_connections_closed_total", "place_needed")).toBeGreaterThanOrEqual(20)
  const more = await Promise.all(Array.from({ length: 20 }, () => TestClient.connect(node.url)))
  for (const [index, client] of more.entries()) expect((await client.join(`${index}`)).event).toBe("joined_room")
  expect(await member.drain()).toEqual([])
  for (const socket of idle) socket.reset()
  for (const client of more) client.terminate()
})

test("members are not parted from: when all places are theirs, the next is told so, and operators get their answers", async () => {
  await using node = await startNode([], {}, undefined, OPEN_FILES)
  const members = await Promise.all(Array.from({ length: PLACES }, () => TestClient.connect(node.url)))
  await Promise.all(members.map((member, index) => member.join(`room ${index % 10}`)))
  await using next = await TestClient.connect(node.url)
  expect(await next.closed).toEqual({ code: 1013, reason: "server is full, try again later" })
  expect((await fetch(`${node.httpUrl}healthz`)).status).toBe(200)
  expect(await node.metric("palava_connections")).toBe(PLACES)
  expect(await node.metric("palava_refused_total", 'reason="connections"')).toBe(1)
  for (const member of members) member.terminate()
})

test("who is in no room for too long is told to come back with one", async () => {
  await using node = await startNode(["--join-seconds", "1"])
  await using member = await TestClient.connect(node.url)
  await member.join("room")
  await using guest = await TestClient.connect(node.url)
  expect(await guest.closed).toEqual({ code: 4429, reason: "in no room, come back for one" })
  expect(await node.metric("palava_connections_closed_total", "never_joined")).toBe(1)
  expect(await member.drain()).toEqual([])
})
