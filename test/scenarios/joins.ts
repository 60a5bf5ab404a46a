// Joining: who is told of whom, and in what order.

import { expect, test } from "bun:test"
import type { Cluster } from "./cluster.ts"
import { expectSameView, leave, settle, viewOf } from "./cluster.ts"

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
    expect(met).toEqual({
      event: "joined_room",
      own_id: second.ownId,
      peers: [{ peer_id: first.ownId, status: { name: "Ada" } }],
    })
    expect(await first.next()).toEqual({ event: "new_peer", peer_id: second.ownId, status: {} })
    await settle([first, second])
  })
}
