// One identity twice in a room: the part of the contract that says who of the two stays.

import { expect, test } from "bun:test"

import { makePeerId, type NodeId } from "../../src/rooms/ids.ts"
import type { JoinRequest, Member } from "../../src/rooms/room-store.ts"
import { join, joinOf, type MakeStore, makeRoom, memberOf } from "./recorder.ts"

const ELSEWHERE = "another" as NodeId

/** The mark of an identity, as long as a true one. */
const markOf = (name: string) => name.padEnd(22, "-")

const refusing = (name: string): Partial<JoinRequest> => ({ identity: { mark: markOf(name), ifThere: "refuse" } })
const replacing = (name: string): Partial<JoinRequest> => ({ identity: { mark: markOf(name), ifThere: "replace" } })

/** Its tests. */
export function identitiesSuite(makeStore: MakeStore): void {
  test("an identity that is in the room is refused, whatever else is wrong; the one there is unharmed", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer, other] = [makeRoom(), makePeerId(), makePeerId()]
    const { snapshot } = await join(store, joinOf(room, peer, refusing("ada")))
    expect(snapshot?.members).toEqual([memberOf(store.node, peer, { mark: markOf("ada") })])
    for (const limit of [100, 1]) {
      const again = joinOf(room, makePeerId(), { limit, ...refusing("ada") })
      expect(await store.join(again)).toEqual({ kind: "identity_in_room" })
    }
    // Repeated, it is the same membership; another identity, none, and the same in another room are others.
    expect(await join(store, joinOf(room, peer, refusing("ada")))).toMatchObject({ seq: 1 })
    await join(store, joinOf(room, other, { status: markOf("ada"), ...refusing("ben") }))
    await join(store, joinOf(room, makePeerId()))
    await join(store, joinOf(makeRoom(), makePeerId(), refusing("ada")))
    await store.leave(room, peer, 1)
    const { seq, epoch } = await join(store, joinOf(room, makePeerId(), refusing("ada")))
    await heard.reached(room, { seq, epoch })
    expect(heard.eventsOf(room).map(({ kind }) => kind)).toEqual(["joined", "joined", "joined", "left", "joined"])
  })

  test("its own peer joins again as whoever it is then", async () => {
    await using made = await makeStore()
    const { store } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    await join(store, joinOf(room, peer, refusing("ada")))
    const again = await join(store, joinOf(room, peer, { generation: 2, ...refusing("ada") }))
    expect(again.snapshot?.members).toEqual([memberOf(store.node, peer, { generation: 2, mark: markOf("ada") })])
    await join(store, joinOf(room, peer, { generation: 3, ...refusing("ben") }))
    expect(await store.join(joinOf(room, makePeerId(), refusing("ben")))).toEqual({ kind: "identity_in_room" })
    await join(store, joinOf(room, makePeerId(), refusing("ada")))
  })

  test("it is replaced in one step, also in a full or locked room, and never twice there", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer, other, next] = [makeRoom(), makePeerId(), makePeerId(), makePeerId()]
    await join(store, joinOf(room, peer, { proof: { next: "a b" }, ...replacing("ada") }))
    await join(store, joinOf(room, other, replacing("ben")))
    const locked = await store.publish(room, other, 2, "x", "all", true)
    const joined = await join(store, joinOf(room, next, { limit: 2, ...replacing("ada") }))
    const member = memberOf(store.node, next, { mark: markOf("ada") })
    expect(joined.snapshot?.members).toEqual([memberOf(store.node, other, { rev: 2, mark: markOf("ben") }), member])
    await heard.reached(room, joined)
    const { epoch } = joined
    expect(heard.eventsOf(room).slice(locked?.seq)).toEqual([
      { epoch, seq: 4, kind: "left", peer, generation: 1, isReplaced: true },
      { epoch, seq: 5, kind: "joined", member },
    ])
    // Whoever could have taken it over is told what became of it; and nobody else.
    expect(await Promise.all(["a", "b", "c"].map((given) => store.isProven(room, peer, given)))).toEqual([
      ...(["replaced", "replaced", false] as const),
    ])
    expect(await store.isProven(room, next, "a")).toBe(false)
    expect(await store.join(joinOf(room, makePeerId(), replacing("cem")))).toEqual({ kind: "locked" })
    await store.leave(room, other, 1)
    await store.leave(room, next, 1)
    expect(heard.closed).toEqual([{ room, peak: 2, openMs: expect.any(Number) }])
  })

  test("a take-over is the same member: of the same identity, and alone with it", async () => {
    await using made = await makeStore()
    const { store } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    await join(store, joinOf(room, peer, { proof: { next: "a" }, ...refusing("ada") }))
    const takes = (given: string, generation: number, more: Partial<JoinRequest> = {}) =>
      joinOf(room, peer, { generation, rev: generation, ifTaken: "takeOver", proof: { given, next: "b" }, ...more })
    const member = memberOf(store.node, peer, { generation: 2, rev: 2, born: 1, mark: markOf("ada") })
    expect((await join(store, takes("a", 2, refusing("ada")))).snapshot?.members).toEqual([member])
    // A node that does not ask keeps what is there.
    expect((await join(store, takes("b", 3))).snapshot?.members).toEqual([{ ...member, generation: 3, rev: 3 }])
    expect(await store.join(joinOf(room, makePeerId(), refusing("ada")))).toEqual({ kind: "identity_in_room" })
  })

  test("a restore adds none in whose place a later one is, and takes an earlier one out", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const mark = markOf("ada")
    const [room, first, peer] = [makeRoom(), makePeerId(), makePeerId()]
    const witness = memberOf(store.node, first)
    const elsewhere = memberOf(ELSEWHERE, peer, { generation: 5, mark })
    await store.restore(room, [witness], [elsewhere])
    const earlier = { ...memberOf(store.node, makePeerId(), { generation: 4, mark }), proof: "a" }
    const kept = await store.restore(room, [witness, earlier], [])
    expect(kept.members).toEqual([elsewhere, witness])
    expect(await store.isProven(room, earlier.peer, "a")).toBe("replaced")
    // By when it began, not by when it was taken over last.
    const moved = memberOf(store.node, makePeerId(), { generation: 9, born: 3, mark })
    expect((await store.restore(room, [witness, moved], [])).members).toEqual([elsewhere, witness])
    const later = memberOf(store.node, makePeerId(), { generation: 6, mark })
    const restored = await store.restore(room, [witness, later], [])
    expect(restored.members).toEqual([witness, later])
    await heard.reached(room, restored)
    const { epoch, seq } = restored
    expect(heard.eventsOf(room).slice(-2)).toEqual([
      { epoch, seq: seq - 1, kind: "left", peer, generation: 5, isReplaced: true },
      { epoch, seq, kind: "joined", member: later as Member },
    ])
  })

  test("two of one identity are told apart when they began in the same moment, and a lost room keeps marks", async () => {
    await using made = await makeStore()
    const { store } = made
    const mark = markOf("ada")
    const room = makeRoom()
    const [lower, higher] = [makePeerId(), makePeerId()].sort().map((peer) => memberOf(store.node, peer, { mark }))
    const other = memberOf(ELSEWHERE, makePeerId(), { mark: markOf("ben") })
    if (lower === undefined || higher === undefined) throw new Error("two peers")
    expect((await store.restore(room, [lower, higher], [other])).members).toEqual([other, higher])
    const again = makeRoom()
    expect((await store.restore(again, [higher, lower], [other])).members).toEqual([other, higher])
    expect(await store.join(joinOf(again, makePeerId(), refusing("ben")))).toEqual({ kind: "identity_in_room" })
  })
}
