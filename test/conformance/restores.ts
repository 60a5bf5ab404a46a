// Snapshots and restores: what repairs a room whatever was lost.

import { expect, test } from "bun:test"

import { makePeerId, type NodeId } from "../../src/rooms/ids.ts"
import type { Member, RoomSnapshot } from "../../src/rooms/room-store.ts"
import { join, joinOf, type MakeStore, makeRoom, memberOf } from "./recorder.ts"

/** Its tests. */
export function restoresSuite(makeStore: MakeStore): void {
  test("a snapshot of no room is empty at seq 0", async () => {
    await using made = await makeStore()
    expect(await made.store.snapshot(makeRoom())).toEqual({ epoch: "", seq: 0, members: [] })
  })

  test("restoring what is there changes nothing", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    const { snapshot } = await join(store, joinOf(room, peer))
    expect(await store.restore(room, [memberOf(store.node, peer)], [])).toEqual(snapshot as RoomSnapshot)
    const changed = await store.updateStatus(room, peer, 2, "{}")
    await heard.reached(room, changed)
    expect(heard.eventsOf(room).map(({ kind }) => kind)).toEqual(["joined", "status"])
  })

  test("restoring adds own members that are missing, over the limit if need be, and removes those not named", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, gone, stays, missing] = [makeRoom(), makePeerId(), makePeerId(), makePeerId()]
    await join(store, joinOf(room, gone, { limit: 2 }))
    const { epoch } = await join(store, joinOf(room, stays, { limit: 2 }))
    const own = [
      memberOf(store.node, stays),
      memberOf(store.node, missing, { generation: 3, rev: 4, status: '{"m":1}' }),
    ]
    const restored = await store.restore(room, own, [])
    expect(restored).toEqual({ epoch, seq: 4, members: own })
    await heard.reached(room, restored)
    expect(heard.eventsOf(room).slice(2)).toEqual([
      { epoch, seq: 3, kind: "left", peer: gone, generation: 1 },
      { epoch, seq: 4, kind: "joined", member: own[1] as Member },
    ])
  })

  test("restoring brings a newer status, and keeps a newer one that is there", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, older, newer] = [makeRoom(), makePeerId(), makePeerId()]
    await join(store, joinOf(room, older, { rev: 1 }))
    const { epoch } = await join(store, joinOf(room, newer, { rev: 9 }))
    const changed = memberOf(store.node, older, { rev: 2, status: '{"b":2}' })
    const restored = await store.restore(
      room,
      [changed, memberOf(store.node, newer, { rev: 8, status: '{"c":3}' })],
      [],
    )
    expect(restored).toEqual({ epoch, seq: 3, members: [changed, memberOf(store.node, newer, { rev: 9 })] })
    await heard.reached(room, restored)
    expect(heard.eventsOf(room).at(-1)).toEqual({
      epoch,
      seq: 3,
      kind: "status",
      peer: older,
      rev: 2,
      status: '{"b":2}',
    })
  })

  test("restoring a member of another generation replaces it", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    const { epoch } = await join(store, joinOf(room, peer))
    const member = memberOf(store.node, peer, { generation: 2, rev: 6 })
    const restored = await store.restore(room, [member], [])
    expect(restored).toEqual({ epoch, seq: 3, members: [member] })
    await heard.reached(room, restored)
    expect(heard.eventsOf(room).slice(1)).toEqual([
      { epoch, seq: 2, kind: "left", peer, generation: 1 },
      { epoch, seq: 3, kind: "joined", member },
    ])
    expect(heard.closed).toEqual([])
  })

  test("restoring nobody removes all own members and closes the room", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer, other] = [makeRoom(), makePeerId(), makePeerId()]
    await join(store, joinOf(room, peer))
    const { epoch } = await join(store, joinOf(room, other))
    const restored = await store.restore(room, [], [])
    expect(restored.members).toEqual([])
    await heard.reached(room, { epoch, seq: 4 })
    expect(heard.eventsOf(room).map(({ kind }) => kind)).toEqual(["joined", "joined", "left", "left"])
    expect(heard.closed).toEqual([{ room, peak: 2, openMs: expect.any(Number) }])
  })

  test("restoring nobody where there is no room makes none", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const room = makeRoom()
    const other = memberOf("another" as NodeId, makePeerId())
    expect(await store.restore(room, [], [other])).toEqual({ epoch: "", seq: 0, members: [] })
    expect(await store.snapshot(room)).toEqual({ epoch: "", seq: 0, members: [] })
    expect(heard.opened).toEqual([])
  })

  test("a lost room is born again with own members and others'", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const room = makeRoom()
    const other = memberOf("another" as NodeId, makePeerId(), { generation: 7, rev: 8, status: '{"o":1}' })
    const own = [memberOf(store.node, makePeerId(), { generation: 2 }), memberOf(store.node, makePeerId())]
    const restored = await store.restore(room, own, [other])
    expect(restored).toEqual({ epoch: restored.epoch, seq: 3, members: [other, ...own] })
    await heard.reached(room, restored)
    expect(heard.eventsOf(room)).toEqual(
      [other, ...own].map((member, at) => ({ epoch: restored.epoch, seq: at + 1, kind: "joined" as const, member })),
    )
    expect(heard.opened).toEqual([room])
    expect(await store.snapshot(room)).toEqual(restored)
  })

  test("restoring others where the room is known adds none of them", async () => {
    await using made = await makeStore()
    const { store } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    const { snapshot } = await join(store, joinOf(room, peer))
    const other = memberOf("another" as NodeId, makePeerId())
    expect(await store.restore(room, [memberOf(store.node, peer)], [other])).toEqual(snapshot as RoomSnapshot)
  })

  test("rooms have nothing to do with each other", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [one, two, peer] = [makeRoom(), makeRoom(), makePeerId()]
    await join(store, joinOf(one, peer))
    const { seq, epoch } = await join(store, joinOf(two, makePeerId()))
    expect(seq).toBe(1)
    await store.leave(one, peer, 1)
    await heard.reached(two, { epoch, seq })
    expect(heard.eventsOf(two)).toHaveLength(1)
    expect((await store.snapshot(two)).members).toHaveLength(1)
  })
}
