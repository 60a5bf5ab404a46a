// 10,000 requests that no good client sends, at the addresses of every dialect but SimpleWebRTC's (see its own), while two
// honest clients talk: broken queries, bodies, methods, upgrades that are never finished.
//
// SEED=n runs one seed again, as it is printed by a failure.

import { expect, test } from "bun:test"
import { startNode } from "../helpers/node.ts"
import { Random } from "../helpers/random.ts"
import { poll } from "../helpers/redis.ts"
import { offer, openPeer } from "./peerjs-client.ts"

const SEED = Number(process.env["SEED"] || Math.floor(Math.random() * 2 ** 31))

const TOTAL = 10_000

/** Attackers at once. */
const AT_ONCE = 40

/** Over the 1 MiB that a request's body may have. */
const LONG = "x".repeat(1_100_000)

/** What an honest client's address has, and what it has not. */
const PIECES = [
  ...["peerjs", "id", "peers", "hub", "findroom", "load", "status", "server-source", "socket.io", "webrtc.io"],
  ...["", ".", "..", "%", "%00", "%2e%2e", "%ff", "__proto__", "constructor", "\u{1f642}", " ", "x".repeat(5_000)],
]
const QUERY = ["key", "id", "token", "version", "prefix", "max", "room", "auth", "__proto__", ""]
const VALUES = ["peerjs", "ada", "ben", "3", "-1", "1e999", "NaN", "", "__proto__", "%", "\u0000", "a".repeat(3_000)]
const METHODS = ["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]
const UPGRADE = [
  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\nSec-WebSocket-Key: x",
  "Upgrade: websocket\r\nConnection: Upgrade",
  "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
  "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]

test("two honest clients are unharmed by 10,000 bad requests, of which nothing is left", async () => {
  await using node = await startNode(["--rate-per-second", "0", "--address-connects-per-second", "0"])
  const random = new Random(SEED)
  await using ada = await openPeer(node.url, "ada")
  await using ben = await openPeer(node.url, "ben")
  let sent = 0
  let said = 0
  const attack = async (): Promise<void> => {
    while (sent < TOTAL) {
      sent++
      if (random.chance(0.2)) await beginUpgrade(node.port, addressBy(random), random)
      else await ask(`${node.httpUrl.slice(0, -1)}${addressBy(random)}`, random)
      ada.send(offer("ben", said))
      ben.send(offer("ada", said++))
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, attack))
    for (let number = 0; number < said; number++) {
      expect(await ben.nextJson()).toEqual({ ...offer("ben", number), src: "ada" })
      expect(await ada.nextJson()).toEqual({ ...offer("ada", number), src: "ben" })
    }
    await poll(async () => (await node.metric("palava_connections")) === 2)
    await Promise.all([ada.close(), ben.close()])
    await poll(async () => (await node.metric("palava_rooms")) + (await node.metric("palava_connections")) === 0)
    expect(node.complaints()).toBe("")
  } catch (cause) {
    console.error(`to see it again: SEED=${SEED}`)
    throw cause
  }
}, 60_000)

function addressBy(random: Random): string {
  const pieces = Array.from({ length: random.below(4) }, () => random.pick(PIECES))
  const query = Array.from({ length: random.below(4) }, () => `${random.pick(QUERY)}=${random.pick(VALUES)}`)
  return `/${pieces.join("/")}${query.length > 0 ? `?${query.join("&")}` : ""}`
}

/** One request, answered in any way. */
async function ask(url: string, random: Random): Promise<void> {
  const method = random.pick(METHODS) ?? ""
  const hasBody = method !== "GET" && method !== "HEAD"
  const body = hasBody ? (random.pick(["", "{", LONG.slice(0, random.chance(0.02) ? undefined : 100)]) ?? "") : null
  try {
    const answer = await fetch(url, { method, body, redirect: "manual" })
    await answer.arrayBuffer()
    expect(answer.status).toBeLessThan(500)
  } catch (cause) {
    // A body that is too long is hung up on.
    if ((cause as { code?: string }).code === undefined) throw cause
  }
}

/** The head of a request to upgrade, whole or cut off, and the end of the connection. */
function beginUpgrade(port: number, address: string, random: Random): Promise<void> {
  const head = `GET ${address} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${random.pick(UPGRADE)}\r\n\r\n`
  const text = random.chance(0.5) ? head : head.slice(0, random.below(head.length))
  const isAnswered = text === head
  const { promise, resolve } = Promise.withResolvers<void>()
  void Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(socket) {
        socket.write(text)
        if (!isAnswered) socket.end()
      },
      data: (socket) => void socket.terminate(),
      end: (socket) => void socket.end(),
      close: () => resolve(),
      error: () => resolve(),
      connectError: () => resolve(),
    },
  })
  return promise
}
