// How a node goes: nobody who is connected to it sees the others go, whether they can come back or not.

import { expect, test } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
import { OPCODE } from "../helpers/raw-socket.ts"
import { Member } from "./member.ts"

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal}: no client sees another one go`, async () => {
    await using node = await startNode(["--shutdown-seconds", "0"])
    const plain = await Promise.all(Array.from({ length: 10 }, () => TestClient.connect(node.url)))
    for (const client of plain) await client.join("room")
    const members: Member[] = []
    for (let count = 0; count < 10; count++) members.push(await Member.join(node.port))
    for (const client of plain) await client.drain()
    for (const member of members) await member.drain()
    node.kill(signal)
    for (const client of plain) {
      expect(await client.closed).toEqual({ code: 1001, reason: "server shuts down" })
      expect(client.all.filter(({ event }) => event === "peer_left")).toEqual([])
    }
    for (const member of members) {
      expect(await member.socket.closed).toBe(1001)
      const frames = member.socket.takeFrames().filter(({ opcode }) => opcode === OPCODE.text)
      const events = frames.map(({ payload }) => JSON.parse(payload.toString()).event)
      expect(events).toEqual(signal === "SIGTERM" ? ["shutdown"] : [])
    }
    expect(await node.exited).toBe(0)
    expect(node.complaints()).toBe("")
  })
}
