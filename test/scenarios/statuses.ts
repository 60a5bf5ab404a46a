// Statuses: merged by the server, shown to all, in one order.

import { expect, test } from "bun:test"
import { type Cluster, expectSameView, settle, viewOf } from "./cluster.ts"

/** 50 of each member, all at once. */
const CHANGES = 50

/** Scenarios of changing one's status. */
export function statuses(cluster: () => Cluster): void {
  test("a change is merged, and everyone in the room is shown the whole", async () => {
    const members = await cluster().meet("merge", 3)
    const [changing] = members
    if (changing === undefined) throw new Error("nobody there")
    const steps = [
      { change: { name: "Ádám 🎥", camera: true }, whole: { number: 0, name: "Ádám 🎥", camera: true } },
      { change: { camera: null, number: 9 }, whole: { number: 9, name: "Ádám 🎥" } },
      { change: {}, whole: { number: 9, name: "Ádám 🎥" } },
      { change: { name: null, number: null }, whole: {} },
    ]
    for (const { change, whole } of steps) {
      changing.send({ event: "update_status", status: change })
      for (const member of members) {
        const heard = await member.next("peer_updated_status")
        expect(heard).toEqual({ event: "peer_updated_status", sender_id: changing.ownId, status: whole })
      }
    }
  })

  test("a newcomer is told the statuses as they are now", async () => {
    const members = await cluster().meet("now", 3)
    await settle(members)
    const newcomer = await cluster().connect()
    const { peers } = await newcomer.join("now")
    const told = (peers as { peer_id: string; status: object }[]).map(({ peer_id, status }) => [peer_id, status])
    const known = members.map((client) => [client.ownId, JSON.parse(viewOf(client).status ?? "")])
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(known))
  })

  test("all change theirs at once: everybody sees the same changes in the same order", async () => {
    const members = await cluster().meet("order", 8)
    for (let step = 0; step < CHANGES; step++) {
      for (const member of members) member.send({ event: "update_status", status: { step } })
    }
    await settle(members)
    expectSameView(members)
    const logs = members.map((client) => viewOf(client).stays[0]?.changes ?? [])
    const [whole = []] = logs
    for (const log of logs) expect(log).toEqual(whole.slice(whole.length - log.length))
    // Of many at once not all are shown, but the last, which settle() has waited for.
    const shown = whole.filter((change) => change.startsWith("=")).length
    expect(shown).toBeGreaterThanOrEqual(members.length * 2)
    expect(shown).toBeLessThan(members.length * CHANGES)
  })
}
