// One big room and many small ones.

import { expect, test } from "bun:test"
import type { TestClient } from "../helpers/client.ts"
import { type Cluster, expectSameView, leave, settle, viewOf } from "./cluster.ts"

/** 100 rooms of four: more rooms than connections in most scenarios. */
const ROOMS = 100
const ROOM_MEMBERS = 4

/** A room filled to `size`, which is the most that the cluster allows. */
export function bigRoom(cluster: () => Cluster, size: number): void {
  test(`a room of ${size}: everyone meets everyone, and no more may join until one leaves`, async () => {
    const members = await Promise.all(Array.from({ length: size }, () => cluster().connect()))
    await Promise.all(members.map((client) => client.join("big")))
    const late = await cluster().connect()
    expect(await late.join("big")).toMatchObject({ event: "error", id: "room_full" })
    for (const from of members) {
      for (const { ownId } of members) {
        from.send({ event: "send_to_peer", peer_id: ownId, data: { event: "message", number: 1 } })
      }
    }
    await settle(members)
    expectSameView(members)
    for (const client of members) expect(viewOf(client).stays[0]?.heard.size).toBe(size)

    const leaver = members.pop()
    if (leaver === undefined) throw new Error("nobody there")
    await leave(leaver)
    expect(await late.join("big")).toMatchObject({ event: "joined_room" })
    members.push(late)
    await settle(members)
    expectSameView(members)
  }, 30_000)
}

/** Many rooms at the same time. */
export function manyRooms(cluster: () => Cluster): void {
  test(`${ROOMS} rooms of ${ROOM_MEMBERS}, that live and end at the same time`, async () => {
    const rooms = await Promise.all(Array.from({ length: ROOMS }, (_, room) => fill(cluster(), `many ${room}`)))
    await Promise.all(rooms.map(settle))
    for (const members of rooms) {
      expectSameView(members)
      expect(viewOf(members[0] as TestClient).members.size).toBe(ROOM_MEMBERS - 1)
    }
    await Promise.all(rooms.flat().map((client, number) => (number % 2 === 0 ? leave(client) : client.close())))
  }, 30_000)
}

async function fill(cluster: Cluster, room: string): Promise<TestClient[]> {
  const members = await Promise.all(Array.from({ length: ROOM_MEMBERS }, () => cluster.connect()))
  await Promise.all(members.map((client) => client.join(room)))
  return members
}
