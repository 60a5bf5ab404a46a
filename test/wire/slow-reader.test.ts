// A client that stops to read: the server keeps what it may for it, then parts from it. It never drops a message in
// silence, and the others notice nothing but that the peer has left.

import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { TestClient, type WireEvent } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
import { OPCODE, RawSocket, textFrame } from "../helpers/raw-socket.ts"
import { WellBehaved } from "../helpers/well-behaved.ts"

/** 60,000 characters: near the largest frame, so few are enough. */
const LARGE = "x".repeat(60_000)

/** 500 large messages, 30 MB: the kernel's buffers on both sides take a few megabytes before the server's own fill. */
const ENOUGH = 500

/** 20 joins with a status of 4 KB, 80 KB: far less than the limit, so it is passed by little. */
const CHANGES_AT_ONCE = 20

/** 40 MB: what the kernel keeps, the limit, and much more. */
const MOST_CHANGES = 10_000

/** What one client has to cause here, for another to be slow. */
const WITHOUT_BUDGETS = ["--joins-per-second", "0", "--output-kb-per-second", "0"]

/** The client may see 1006: the close frame stands behind what it does not read. */
const TOO_SLOW = [1006, 1013]

test("who does not read its messages is closed, and the others see it leave", async () => {
  await using node = await startNode(["--max-backlog-bytes", "1048576"])
  await using others = await WellBehaved.meet(node.url)
  using slow = await RawSocket.open(node.port)
  slow.write(textFrame({ event: "join_room", room_id: "slow" }))
  const { own_id: slowId } = await slow.nextEvent()
  await using sender = await TestClient.connect(node.url)
  await sender.join("slow")
  await using witness = await TestClient.connect(node.url)
  await witness.join("slow")
  await sender.next("new_peer")
  slow.stopReading()

  for (let number = 0; number < ENOUGH; number++) {
    sender.send({ event: "send_to_peer", peer_id: slowId, data: { event: "message", number, LARGE } })
    others.talk(1)
  }
  expect(await witness.next()).toEqual({ event: "peer_left", sender_id: slowId })
  expect(await sender.next("peer_left")).toEqual({ event: "peer_left", sender_id: slowId })
  expect(await node.metric("palava_connections_closed_total", "too_slow")).toBe(1)
  expect(residentMegabytes(node.pid)).toBeLessThan(250)

  slow.goOnReading()
  expect(TOO_SLOW).toContain(await slow.closed)
  await others.expectAllHeard()
})

test("what it reads later is the beginning of what was sent, without a gap", async () => {
  await using node = await startNode(["--max-backlog-bytes", "65536"])
  using slow = await RawSocket.open(node.port)
  slow.write(textFrame({ event: "join_room", room_id: "slow" }))
  const { own_id: slowId } = await slow.nextEvent()
  await using sender = await TestClient.connect(node.url)
  await sender.join("slow")
  slow.stopReading()
  for (let number = 0; number < ENOUGH; number++) {
    sender.send({ event: "send_to_peer", peer_id: slowId, data: { event: "message", number, LARGE } })
  }
  await sender.next("peer_left")
  slow.goOnReading()
  await slow.closed
  const numbers = slow
    .takeFrames()
    .filter(({ opcode }) => opcode === OPCODE.text)
    .map(({ payload }) => JSON.parse(payload.toString()) as Record<string, unknown>)
    .filter(({ event }) => event === "message")
    .map(({ number }) => number)
  expect(numbers.length).toBeGreaterThan(0)
  expect(numbers).toEqual(Array.from(numbers, (_, number) => number))
})

test("who does not read the room's changes is closed as well, and finds the reason behind what it had not read", async () => {
  await using node = await startNode(["--max-backlog-bytes", "1048576", ...WITHOUT_BUDGETS])
  using slow = await RawSocket.open(node.port)
  slow.write(textFrame({ event: "join_room", room_id: "slow" }))
  const { own_id: slowId } = await slow.nextEvent()
  await using busy = await TestClient.connect(node.url)
  await using witness = await TestClient.connect(node.url)
  await witness.join("slow")
  slow.stopReading()
  const hasLeft = ({ event, sender_id }: WireEvent) => event === "peer_left" && sender_id === slowId
  const text = "x".repeat(4_000)
  let number = 0
  // Those that read what they cause stay, so that only the other is slow.
  while (!witness.all.some(hasLeft) && number < MOST_CHANGES) {
    for (let count = 0; count < CHANGES_AT_ONCE; count++) {
      busy.send({ event: "join_room", room_id: "slow", status: { number: ++number, text } })
      busy.send({ event: "leave_room" })
    }
    await busy.drain()
    await witness.drain()
  }
  expect(witness.all.filter(hasLeft)).toHaveLength(1)
  expect(await node.metric("palava_connections_closed_total", 'reason="too_slow"')).toBe(1)
  slow.goOnReading()
  expect(await slow.closed).toBe(1013)
})

test("who asks without reading the answers is closed as well", async () => {
  await using node = await startNode(["--max-backlog-bytes", "65536", "--rate-per-second", "0"])
  await using others = await WellBehaved.meet(node.url)
  using slow = await RawSocket.open(node.port)
  slow.stopReading()
  const ask = Buffer.concat(Array.from({ length: 1_000 }, () => textFrame({ event: "info", ref: "r".repeat(64) })))
  for (let burst = 0; burst < 200; burst++) slow.write(ask)
  while ((await node.metric("palava_connections")) > 2) others.talk(1)
  slow.goOnReading()
  expect(TOO_SLOW).toContain(await slow.closed)
  await others.expectAllHeard()
})

/** The server's memory, for a bound on what a slow reader may cost it. */
function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024
}
