// Connections that die without a word are found; those that only have little to say are kept. One wait for all of them:
// the shortest times the program accepts are seconds.

import { expect, test } from "bun:test"
import { readdirSync, readlinkSync } from "node:fs"
import { TestClient } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
import { frame, OPCODE, RawSocket, textFrame } from "../helpers/raw-socket.ts"

/** Pings every 5 s: dead-seconds and one look of the clock are over after 15 s. */
const MOST_PINGS = 6

test("the silent are closed with 4008 and leave their rooms, the quiet stay", async () => {
  await using node = await startNode(["--ping-seconds", "5", "--dead-seconds", "10"])
  await using witness = await TestClient.connect(node.url)
  await witness.join("alive")
  const sockets = countSockets(node.pid)

  // Says nothing, and does not answer pings.
  const silent = await joinRaw(node.port)
  // The same, but is being written to: Bun's own idle timeout would spare it.
  const target = await joinRaw(node.port)
  // Does not even close when it is told to.
  const stubborn = await joinRaw(node.port)
  stubborn.raw.stopReading()
  // Says nothing of its own, but answers pings.
  const quiet = await joinRaw(node.port)
  // Speaks, but never answers a ping.
  const chatty = await joinRaw(node.port)

  const begin = performance.now()
  const gone = new Set<unknown>()
  // The server's pings are the clock: one every five seconds.
  for (let pings = 0; pings < MOST_PINGS && gone.size < 3; pings++) {
    await answerPing(quiet.raw)
    witness.send({ event: "send_to_peer", peer_id: target.peer, data: { event: "message" } })
    chatty.raw.write(textFrame({ event: "ping" }))
    for (const event of await witness.drain()) if (event.event === "peer_left") gone.add(event["sender_id"])
  }
  expect(gone).toEqual(new Set<unknown>([silent.peer, target.peer, stubborn.peer]))
  expect(performance.now() - begin).toBeGreaterThan(9_000)
  expect([await silent.raw.closed, await target.raw.closed]).toEqual([4008, 4008])
  expect(await node.metric("palava_connections_closed_total", 'reason="silent"')).toBe(3)
  expect(await node.metric("palava_connections")).toBe(3)
  {
    await using late = await TestClient.connect(node.url)
    const peers = (await late.join("alive"))["peers"] as { peer_id: string }[]
    expect(peers.map(({ peer_id }) => peer_id)).toEqual([witness.ownId, quiet.peer, chatty.peer])
    await late.close()
  }

  // Nothing of the dead is kept, though the stubborn one never closed its side. Besides the witness there are the quiet
  // and the chatty one, and a connection that asked for the metrics may still be open.
  for (let pings = 0; pings < MOST_PINGS && countSockets(node.pid) > sockets + 3; pings++) {
    await answerPing(quiet.raw)
    chatty.raw.write(textFrame({ event: "ping" }))
  }
  expect(countSockets(node.pid)).toBeLessThanOrEqual(sockets + 3)
  for (const { raw } of [silent, target, stubborn, quiet, chatty]) raw[Symbol.dispose]()
})

interface RawMember {
  readonly raw: RawSocket
  readonly peer: string
}

async function joinRaw(port: number): Promise<RawMember> {
  const raw = await RawSocket.open(port)
  raw.write(textFrame({ event: "join_room", room_id: "alive" }))
  return { raw, peer: (await raw.nextEvent())["own_id"] as string }
}

/** Waits for the server's next ping and answers it. */
async function answerPing(raw: RawSocket): Promise<void> {
  for (;;) {
    const { opcode, payload } = await raw.nextFrame()
    if (opcode !== OPCODE.ping) continue
    raw.write(frame(OPCODE.pong, payload))
    return
  }
}

/** Open sockets of a process. */
function countSockets(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:")
    } catch {
      return false
    }
  }).length
}
