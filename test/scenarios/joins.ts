// Joining: who is told of whom, and in what order.

import { expect, test } from "bun:test"
import { type Cluster, expectSameView, leave, settle, viewOf } from "./cluster.ts"

/** 24: several on each node, whose joins race each other. */
const CROWD = 24

/** Scenarios of joining. */
export function joins(cluster: () => Cluster): void {
  test("the first is alone, and the second and it are told of each other", async () => {
    const first = await cluster().connect()
    const second = await cluster().connect()
    const alone = await first.join("two", { name: "Ada" })
    expect(alone).toEqual({ event: "joined_room", own_id: first.ownId, peers: [] })
    const met = await second.join("two")
    const peers = [{ peer_id: first.ownId, status: { name: "Ada" } }]
    expect(met).toEqual({ event: "joined_room", own_id: second.ownId, peers })
    expect(await first.next()).toEqual({ event: "new_peer", peer_id: second.ownId, status: {} })
    await settle([first, second])
  })

  test(`${CROWD} who join at once all meet, and see the others come in one order`, async () => {
    const crowd = await Promise.all(Array.from({ length: CROWD }, () => cluster().connect()))
    await Promise.all(crowd.map((client, number) => client.join("crowd", { number })))
    await settle(crowd)
    expectSameView(crowd)
    const stays = crowd.map((client) => viewOf(client).stays[0])
    const log = stays.find((stay) => stay?.met.size === 0)?.changes ?? []
    expect(log.filter((change) => change.startsWith("+")).length).toBe(CROWD - 1)
    for (const stay of stays) expect(stay?.changes).toEqual(log.slice(log.length - (stay?.changes.length ?? 0)))
  })

  test("what is sent straight behind join_room happens inside the room", async () => {
    const [first] = await cluster().meet("hurry", 1)
    const hasty = await cluster().connect()
    if (first === undefined) throw new Error("nobody there")
    hasty.send({ event: "join_room", room_id: "hurry" })
    hasty.send({ event: "send_to_peer", peer_id: first.ownId, data: { event: "message", number: 1 } })
    hasty.send({ event: "update_status", status: { name: "Grace" } })
    hasty.ownId = (await hasty.next("joined_room"))["own_id"] as string
    expect(await first.next()).toEqual({ event: "new_peer", peer_id: hasty.ownId, status: {} })
    const rest = [await first.next(), await first.next()]
    expect(rest).toContainEqual({ event: "message", number: 1, sender_id: hasty.ownId })
    expect(rest).toContainEqual({
      event: "peer_updated_status",
      sender_id: hasty.ownId,
      status: { name: "Grace" },
    })
  })

  test("a second join is refused, also while the first is under way", async () => {
    const client = await cluster().connect()
    client.send({ event: "join_room", room_id: "one", ref: 1 })
    client.send({ event: "join_room", room_id: "another", ref: 2 })
    const answers = [await client.next(), await client.next()]
    expect(answers).toEqual([
      { event: "joined_room", own_id: expect.any(String), peers: [], ref: 1 },
      expect.objectContaining({ event: "error", id: "already_joined", ref: 2 }),
    ])
  })

  test("rooms do not hear of each other", async () => {
    const here = await cluster().meet("here", 3)
    const there = await cluster().meet("there", 3)
    await settle(here)
    await settle(there)
    expectSameView(here)
    expectSameView(there)
    for (const client of here) expect(viewOf(client).members.size).toBe(2)
  })

  test("one connection joins again and again, the same room and others", async () => {
    const [witness, client] = await cluster().meet("again", 2)
    if (witness === undefined || client === undefined) throw new Error("nobody there")
    for (const room of ["again", "elsewhere", "again", "again", "elsewhere", "again"]) {
      await leave(client)
      await client.join(room, { number: 7 })
    }
    await settle([witness, client])
    expectSameView([witness, client])
    const comings = viewOf(witness).stays[0]?.changes.filter((change) => change.startsWith(`+${client.ownId}`))
    expect(comings?.length).toBe(5)
  })
}
