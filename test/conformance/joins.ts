// Joining, taking over, leaving: the part of the contract that changes who is in a room.

import { expect, test } from "bun:test"

import { makePeerId } from "../../src/rooms/ids.ts"
import type { Position, RoomSnapshot } from "../../src/rooms/room-store.ts"
import { join, joinOf, type MakeStore, makeRoom, memberOf } from "./recorder.ts"

/** Its tests. */
export function joinsSuite(makeStore: MakeStore): void {
  test("the first join opens the room, and answers with it at seq 1", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    const status = '{"name":"Zoë 🦊","x":[1,2]}'
    const { epoch, seq, snapshot } = await join(store, joinOf(room, peer, { status, rev: 3 }))
    const member = memberOf(store.node, peer, { status, rev: 3 })
    expect({ seq, snapshot }).toEqual({ seq: 1, snapshot: { epoch, seq: 1, members: [member] } })
    await heard.reached(room, { epoch, seq })
    expect(heard.eventsOf(room)).toEqual([{ epoch, seq: 1, kind: "joined", member }])
    expect(heard.opened).toEqual([room])
  })

  test("later joins go on in the log; a snapshot lists the oldest first, and comes only when asked for", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const room = makeRoom()
    const peers = Array.from({ length: 12 }, makePeerId)
    const positions: Position[] = []
    for (const peer of peers) positions.push(await join(store, joinOf(room, peer, { withSnapshot: false })))
    expect(positions.map(({ seq }) => seq)).toEqual(peers.map((_, at) => at + 1))
    expect(new Set(positions.map(({ epoch }) => epoch)).size).toBe(1)
    const last = makePeerId()
    const { epoch, seq, snapshot } = await join(store, joinOf(room, last))
    const members = [...peers, last].map((peer) => memberOf(store.node, peer))
    expect(snapshot).toEqual({ epoch, seq, members })
    expect(await store.snapshot(room)).toEqual({ epoch, seq, members })
    await heard.reached(room, { epoch, seq })
    expect(heard.eventsOf(room)).toEqual(
      members.map((member, at) => ({ epoch, seq: at + 1, kind: "joined" as const, member })),
    )
    expect(heard.opened).toEqual([room])
  })

  test("a join without a snapshot answers without one", async () => {
    await using made = await makeStore()
    const { snapshot } = await join(made.store, joinOf(makeRoom(), makePeerId(), { withSnapshot: false }))
    expect(snapshot).toBeUndefined()
  })

  test("joining again with the same generation changes nothing and answers as before", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    const first = await join(store, joinOf(room, peer))
    expect(await join(store, joinOf(room, peer, { limit: 1 }))).toEqual(first)
    const left = await store.leave(room, peer, 1)
    await heard.reached(room, left)
    expect(heard.eventsOf(room).map(({ kind }) => kind)).toEqual(["joined", "left"])
  })

  test("joining again with a later generation leaves first", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer, other] = [makeRoom(), makePeerId(), makePeerId()]
    await join(store, joinOf(room, peer))
    await join(store, joinOf(room, other))
    const again = await join(store, joinOf(room, peer, { generation: 2, rev: 7, limit: 2 }))
    expect(again.snapshot?.members).toEqual([
      memberOf(store.node, other),
      memberOf(store.node, peer, { generation: 2, rev: 7 }),
    ])
    await heard.reached(room, again)
    const { epoch } = again
    expect(heard.eventsOf(room).slice(2)).toEqual([
      { epoch, seq: 3, kind: "left", peer, generation: 1 },
      { epoch, seq: 4, kind: "joined", member: memberOf(store.node, peer, { generation: 2, rev: 7 }) },
    ])
  })

  test("a membership is taken over when asked to: the same one to all others, in the same place", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer, other] = [makeRoom(), makePeerId(), makePeerId()]
    await join(store, joinOf(room, peer))
    await join(store, joinOf(room, other, { limit: 2 }))
    const taken = joinOf(room, peer, { generation: 5, rev: 5, limit: 2, status: '{"a":1}', ifTaken: "takeOver" })
    const member = memberOf(store.node, peer, { generation: 5, rev: 5, status: '{"a":1}', born: 1 })
    const first = await join(store, taken)
    expect(first.snapshot?.members).toEqual([member, memberOf(store.node, other)])
    await heard.reached(room, first)
    // Again is no other one; and the one before has nothing to say any more.
    expect(await join(store, taken)).toMatchObject({ seq: 3 })
    expect(await store.leave(room, peer, 1)).toBeUndefined()
    const again = await join(store, { ...taken, generation: 9, rev: 9 })
    await heard.reached(room, again)
    const { epoch } = again
    expect(heard.eventsOf(room).slice(2)).toEqual([
      { epoch, seq: 3, kind: "moved", member },
      { epoch, seq: 4, kind: "moved", member: { ...member, generation: 9, rev: 9 } },
    ])
  })

  test("whoever has the proof takes over, with the status that there is; nobody else does", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer, other] = [makeRoom(), makePeerId(), makePeerId()]
    const byProof = (given: string, next: string, generation: number, who = peer) =>
      joinOf(room, who, { generation, rev: generation, status: "no", ifTaken: "takeOver", proof: { given, next } })
    expect(await store.join(byProof("a", "b", 2))).toEqual({ kind: "unproven" })
    await join(store, joinOf(room, peer, { status: '{"a":1}', proof: { next: "a" } }))
    await join(store, joinOf(room, other))
    await store.updateStatus(room, peer, 2, '{"a":2}')
    expect(await store.join(byProof("b", "c", 3))).toEqual({ kind: "unproven" })
    expect(await store.join(byProof("a", "b", 3, other))).toEqual({ kind: "unproven" })
    expect(await store.join(byProof("a", "b", 3, makePeerId()))).toEqual({ kind: "unproven" })
    const member = memberOf(store.node, peer, { generation: 3, rev: 3, status: '{"a":2}', born: 1 })
    const taken = await join(store, byProof("a", "b", 3))
    expect(taken.snapshot?.members).toEqual([member, memberOf(store.node, other)])
    // The same again is answered as the first time; the proof of before is worth nothing.
    expect(await store.join(byProof("a", "c", 4))).toEqual({ kind: "unproven" })
    expect(await Promise.all(["a", "b", "B", ""].map((given) => store.isProven(room, peer, given)))).toEqual([
      ...[false, true, false, false],
    ])
    expect(await store.isProven(makeRoom(), peer, "b")).toBe(false)
    expect(await store.isProven(room, other, "b")).toBe(false)
    expect(await store.prove(room, peer, 1, "x")).toBe(false)
    expect(await store.prove(room, peer, 3, "d")).toBe(true)
    expect(await store.join(byProof("b", "c", 4))).toEqual({ kind: "unproven" })
    const again = await join(store, byProof("d", "e", 4))
    await heard.reached(room, again)
    expect(heard.eventsOf(room).slice(3)).toEqual([
      { epoch: again.epoch, seq: 4, kind: "moved", member },
      { epoch: again.epoch, seq: 5, kind: "moved", member: { ...member, generation: 4, rev: 4 } },
    ])
    // Each word of several is a proof; none that is a part of one.
    expect(await store.prove(room, peer, 4, "last given")).toBe(true)
    for (const given of ["las", "give", "iven"]) {
      expect(await store.join(byProof(given, "x", 5))).toEqual({ kind: "unproven" })
    }
    for (const [at, given] of ["given", "last"].entries()) {
      expect(await store.join(byProof(given, "last given", 5 + at))).toMatchObject({ kind: "joined" })
    }
    // A restore brings the proof that its node knows.
    await store.restore(room, [{ ...member, generation: 6, rev: 6, proof: "f" }, memberOf(store.node, other)], [])
    expect(await store.join(byProof("e", "g", 7))).toEqual({ kind: "unproven" })
    expect(await store.join(byProof("f", "g", 7))).toMatchObject({ kind: "joined" })
  })

  test("a peer that is taken is refused when asked to, in a full room too, and changes nothing", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    const { snapshot } = await join(store, joinOf(room, peer, { limit: 1 }))
    const again = joinOf(room, peer, { generation: 2, limit: 1, ifTaken: "refuse" })
    expect(await store.join(again)).toEqual({ kind: "taken" })
    // The same membership again is no other one.
    expect(await join(store, joinOf(room, peer, { ifTaken: "refuse" }))).toMatchObject({ seq: 1 })
    expect(await store.snapshot(room)).toEqual(snapshot as RoomSnapshot)
    await store.leave(room, peer, 1)
    expect(await store.join(again)).toMatchObject({ kind: "joined" })
    expect(heard.eventsOf(room).filter(({ kind }) => kind === "left").length).toBeLessThanOrEqual(1)
  })

  test("a full room refuses, a place that comes free is given again", async () => {
    await using made = await makeStore()
    const { store } = made
    const [room, first, second] = [makeRoom(), makePeerId(), makePeerId()]
    await join(store, joinOf(room, first, { limit: 1 }))
    expect(await store.join(joinOf(room, second, { limit: 1 }))).toEqual({ kind: "full" })
    await store.leave(room, first, 1)
    const { snapshot } = await join(store, joinOf(room, second, { limit: 1 }))
    expect(snapshot?.members).toEqual([memberOf(store.node, second)])
  })

  test("leaving is announced; of another generation, twice or by a stranger it changes nothing", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer, other] = [makeRoom(), makePeerId(), makePeerId()]
    await join(store, joinOf(room, peer, { generation: 4 }))
    const { epoch } = await join(store, joinOf(room, other))
    expect(await store.leave(room, peer, 3)).toBeUndefined()
    expect(await store.leave(room, makePeerId(), 1)).toBeUndefined()
    expect(await store.leave(makeRoom(), peer, 4)).toBeUndefined()
    const left = await store.leave(room, peer, 4)
    expect(left).toEqual({ epoch, seq: 3 })
    expect(await store.leave(room, peer, 4)).toBeUndefined()
    await heard.reached(room, left)
    expect(heard.eventsOf(room).at(-1)).toEqual({ epoch, seq: 3, kind: "left", peer, generation: 4 })
    expect((await store.snapshot(room)).members).toEqual([memberOf(store.node, other)])
    expect(heard.closed).toEqual([])
  })

  test("the last one closes the room, with its peak; its next life has another epoch", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer, other] = [makeRoom(), makePeerId(), makePeerId()]
    const { epoch } = await join(store, joinOf(room, peer))
    await join(store, joinOf(room, other))
    await store.leave(room, peer, 1)
    await store.leave(room, other, 1)
    expect(heard.closed).toEqual([{ room, peak: 2, openMs: expect.any(Number) }])
    expect(heard.closed[0]?.openMs).toBeGreaterThanOrEqual(0)
    expect(await store.snapshot(room)).toEqual({ epoch: "", seq: 0, members: [] })
    const next = await join(store, joinOf(room, peer, { generation: 2 }))
    expect(next.seq).toBe(1)
    expect(next.epoch).not.toBe(epoch)
    expect(heard.opened).toEqual([room, room])
  })
}
