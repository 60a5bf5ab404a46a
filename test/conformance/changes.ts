// Statuses, frames, and many changes at once: one log without a gap.

import { expect, test } from "bun:test"

import { makePeerId, type PeerId } from "../../src/rooms/ids.ts"
import type { Member } from "../../src/rooms/room-store.ts"
import { join, joinOf, type MakeStore, makeRoom, memberOf } from "./recorder.ts"

/** Its tests. */
export function changesSuite(makeStore: MakeStore): void {
  test("a status is replaced and announced as it is, byte by byte", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    const { epoch } = await join(store, joinOf(room, peer))
    const status = `{"name":"\\u0000 \\" ${"ß".repeat(1500)} 日本語","__proto__":{"x":null}}`
    const changed = await store.updateStatus(room, peer, 2, status)
    expect(changed).toEqual({ epoch, seq: 2 })
    await heard.reached(room, changed)
    expect(heard.eventsOf(room).at(-1)).toEqual({ epoch, seq: 2, kind: "status", peer, rev: 2, status })
    expect((await store.snapshot(room)).members).toEqual([memberOf(store.node, peer, { rev: 2, status })])
  })

  test("a status that is not newer, or of no member, changes nothing", async () => {
    await using made = await makeStore()
    const { store } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    await join(store, joinOf(room, peer, { rev: 5 }))
    expect(await store.updateStatus(room, peer, 5, '{"a":1}')).toBeUndefined()
    expect(await store.updateStatus(room, peer, 4, '{"a":1}')).toBeUndefined()
    expect(await store.updateStatus(room, makePeerId(), 9, '{"a":1}')).toBeUndefined()
    expect(await store.updateStatus(makeRoom(), peer, 9, '{"a":1}')).toBeUndefined()
    expect((await store.snapshot(room)).members).toEqual([memberOf(store.node, peer, { rev: 5 })])
  })

  test("a frame is published in the order of the log, byte by byte, and changes nothing but the rev", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    const { epoch } = await join(store, joinOf(room, peer))
    const text = `{"x":"\\u0000 ${"ß".repeat(2000)} 日本語"}`
    expect(await store.publish(room, peer, 2, text, "all")).toEqual({ epoch, seq: 2 })
    expect(await store.updateStatus(room, peer, 3, '{"a":1}')).toEqual({ epoch, seq: 3 })
    const last = await store.publish(room, peer, 4, "", "others")
    expect(last).toEqual({ epoch, seq: 4 })
    await heard.reached(room, last)
    expect(heard.eventsOf(room).slice(1)).toEqual([
      { epoch, seq: 2, kind: "frame", peer, text, to: "all" },
      { epoch, seq: 3, kind: "status", peer, rev: 3, status: '{"a":1}' },
      { epoch, seq: 4, kind: "frame", peer, text: "", to: "others" },
    ])
    expect(await store.snapshot(room)).toEqual({
      ...{ epoch, seq: 4 },
      members: [memberOf(store.node, peer, { rev: 4, status: '{"a":1}' })],
    })
  })

  test("a frame may lock the room: nobody new comes in, until another one unlocks it or the last member has left", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer, other] = [makeRoom(), makePeerId(), makePeerId()]
    const { epoch } = await join(store, joinOf(room, peer))
    expect(await store.publish(room, peer, 2, "locked", "all", true)).toEqual({ epoch, seq: 2 })
    expect(await store.join(joinOf(room, other))).toEqual({ kind: "locked" })
    expect((await store.join(joinOf(room, peer, { generation: 7, rev: 7, ifTaken: "takeOver" }))).kind).toBe("joined")
    expect(await store.publish(room, makePeerId(), 9, "by a stranger", "all", false)).toBeUndefined()
    expect(await store.publish(room, peer, 8, "between", "others")).toEqual({ epoch, seq: 4 })
    expect(await store.join(joinOf(room, other))).toEqual({ kind: "locked" })
    const last = await store.publish(room, peer, 9, "unlocked", "all", false)
    await heard.reached(room, last)
    expect(heard.eventsOf(room).filter(({ kind }) => kind === "frame")).toEqual([
      { epoch, seq: 2, kind: "frame", peer, text: "locked", to: "all", lock: { isLocked: true, rev: 2 } },
      { epoch, seq: 4, kind: "frame", peer, text: "between", to: "others" },
      { epoch, seq: 5, kind: "frame", peer, text: "unlocked", to: "all", lock: { isLocked: false, rev: 9 } },
    ])
    expect((await store.join(joinOf(room, other))).kind).toBe("joined")
    await store.publish(room, peer, 10, "locked", "all", true)
    await store.leave(room, peer, 7)
    await store.leave(room, other, joinOf(room, other).generation)
    expect((await store.join(joinOf(room, makePeerId()))).kind).toBe("joined")
  })

  test("the newer of the lock that a node knows and the one there is counts, also in a room that was lost", async () => {
    await using made = await makeStore()
    const { store } = made
    const [room, open, peer] = [makeRoom(), makeRoom(), makePeerId()]
    await store.restore(room, [memberOf(store.node, peer)], [], { isLocked: true, rev: 5 })
    await store.restore(open, [memberOf(store.node, peer)], [])
    expect(await store.join(joinOf(room, makePeerId()))).toEqual({ kind: "locked" })
    expect((await store.join(joinOf(open, makePeerId()))).kind).toBe("joined")
    expect(await store.publish(room, peer, 9, "unlocked", "all", false)).toBeDefined()
    await store.restore(room, [memberOf(store.node, peer, { rev: 9 })], [], { isLocked: true, rev: 8 })
    expect((await store.join(joinOf(room, makePeerId()))).kind).toBe("joined")
    await store.restore(room, [memberOf(store.node, peer, { rev: 9 })], [], { isLocked: true, rev: 10 })
    expect(await store.join(joinOf(room, makePeerId()))).toEqual({ kind: "locked" })
    await store.restore(room, [memberOf(store.node, peer, { rev: 9 })], [], { isLocked: false, rev: 11 })
    expect((await store.join(joinOf(room, makePeerId()))).kind).toBe("joined")
  })

  test("a frame that is not newer, or of no member, is not published", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const [room, peer] = [makeRoom(), makePeerId()]
    const joined = await join(store, joinOf(room, peer, { rev: 5 }))
    expect(await store.publish(room, peer, 5, "late", "all")).toBeUndefined()
    expect(await store.publish(room, makePeerId(), 9, "stranger", "all")).toBeUndefined()
    expect(await store.publish(makeRoom(), peer, 9, "elsewhere", "others")).toBeUndefined()
    const next = await store.publish(room, peer, 6, "in time", "all")
    expect(next).toEqual({ epoch: joined.epoch, seq: 2 })
    expect(await store.updateStatus(room, peer, 6, "{}")).toBeUndefined()
    await heard.reached(room, next)
    expect(heard.eventsOf(room)).toHaveLength(2)
  })

  test("a changed status keeps the member's place", async () => {
    await using made = await makeStore()
    const { store } = made
    const [room, first, second] = [makeRoom(), makePeerId(), makePeerId()]
    await join(store, joinOf(room, first))
    await join(store, joinOf(room, second))
    await store.updateStatus(room, first, 2, '{"a":1}')
    expect((await store.snapshot(room)).members.map(({ peer }) => peer)).toEqual([first, second])
  })

  test("many joins and leaves at once make one log without a gap, whose sum is the snapshot", async () => {
    await using made = await makeStore()
    const { store, heard } = made
    const room = makeRoom()
    const stays = makePeerId()
    await join(store, joinOf(room, stays))
    const peers = Array.from({ length: 100 }, makePeerId)
    await Promise.all(
      peers.map(async (peer, at) => {
        await join(store, joinOf(room, peer, { limit: 1000 }))
        if (at % 3 === 0) await store.leave(room, peer, 1)
        if (at % 3 === 1) await store.updateStatus(room, peer, 2, `{"at":${at}}`)
      }),
    )
    const snapshot = await store.snapshot(room)
    await heard.reached(room, snapshot)
    const events = heard.eventsOf(room)
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: snapshot.seq }, (_, at) => at + 1))
    const members = new Map<PeerId, Member>()
    for (const event of events) {
      if (event.kind === "joined") members.set(event.member.peer, event.member)
      else if (event.kind === "left") members.delete(event.peer)
      else if (event.kind === "status") {
        members.set(event.peer, { ...(members.get(event.peer) as Member), rev: event.rev, status: event.status })
      }
    }
    expect([...members.values()]).toEqual([...snapshot.members])
  })
}
