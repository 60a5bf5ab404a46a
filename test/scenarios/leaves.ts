// Leaving, by a word or by losing the connection: everybody is told once, and nobody stays behind.

import { expect, test } from "bun:test"
import { type Cluster, expectSameView, leave, settle, viewOf } from "./cluster.ts"

/** 100: enough that some are still on their way when the next step comes. */
const MESSAGES = 100

/** Scenarios of leaving. */
export function leaves(cluster: () => Cluster): void {
  test("who leaves is told of nothing more, and the others once", async () => {
    const [leaver, ...others] = await cluster().meet("leave", 4)
    if (leaver === undefined) throw new Error("nobody there")
    await settle([leaver, ...others])
    await leave(leaver)
    for (const client of others) {
      expect(await client.next("peer_left")).toEqual({ event: "peer_left", sender_id: leaver.ownId })
    }
    await settle(others)
    expectSameView(others)
    expect(await leaver.drain()).toEqual([])
  })

  test("a connection that is closed or lost leaves", async () => {
    const [closing, lost, ...others] = await cluster().meet("close", 5)
    await closing?.close()
    lost?.terminate()
    const left = new Set<unknown>([closing?.ownId, lost?.ownId])
    for (const client of others) {
      const heard = [await client.next("peer_left"), await client.next("peer_left")]
      expect(new Set(heard.map(({ sender_id }) => sender_id))).toEqual(left)
    }
    await settle(others)
    expectSameView(others)
  })

  test(`${MESSAGES} messages sent before leaving arrive before the farewell`, async () => {
    const [leaver, ...others] = await cluster().meet("farewell", 3)
    if (leaver === undefined) throw new Error("nobody there")
    for (let number = 0; number < MESSAGES; number++) {
      for (const { ownId } of others) {
        leaver.send({ event: "send_to_peer", peer_id: ownId, data: { event: "message", number } })
      }
    }
    leaver.send({ event: "leave_room" })
    for (const client of others) {
      await client.next("peer_left")
      const heard = viewOf(client).stays[0]?.heard.get(leaver.ownId)
      expect(heard).toEqual(Array.from({ length: MESSAGES }, (_, number) => number))
    }
  })

  test("a connection that ends while its join is under way leaves no ghost", async () => {
    const [witness] = await cluster().meet("ghost", 1)
    if (witness === undefined) throw new Error("nobody there")
    const hasty = await Promise.all(Array.from({ length: 12 }, () => cluster().connect()))
    for (const [number, client] of hasty.entries()) {
      client.send({ event: "join_room", room_id: "ghost" })
      if (number % 2 === 0) client.terminate()
      else client.send({ event: "leave_room" })
    }
    await Promise.all(hasty.filter((_, number) => number % 2 === 1).map((client) => client.drain()))
    await Promise.all(hasty.filter((_, number) => number % 2 === 0).map(({ closed }) => closed))
    // The server may learn of an end after somebody has joined behind it; but learn it, it must.
    expect(await joinUntil("ghost", (peers) => peers.length === 1)).toMatchObject([{ peer_id: witness.ownId }])
  })

  test("a room that all have left begins anew", async () => {
    for (let round = 0; round < 5; round++) {
      const members = await cluster().meet("anew", 4)
      await settle(members)
      expectSameView(members)
      await Promise.all(members.map((client) => (round % 2 === 0 ? leave(client) : client.close())))
      await joinUntil("anew", (peers) => peers.length === 0)
    }
  })

  /** Joins and leaves until the peers met are as they should be. */
  async function joinUntil(room: string, isRight: (peers: unknown[]) => boolean): Promise<unknown[]> {
    const client = await cluster().connect()
    for (;;) {
      const peers = (await client.join(room))["peers"] as unknown[]
      await leave(client)
      if (isRight(peers)) return peers
    }
  }
}
