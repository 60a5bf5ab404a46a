// The replica applies a room's log in order, finds gaps, and turns snapshots into differences.

import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { NodeId, PeerId } from "../../src/rooms/ids.ts"
import { type Change, Replica } from "../../src/rooms/replica.ts"
import type { Member, RoomEvent, RoomSnapshot } from "../../src/rooms/room-store.ts"

const EPOCH = "epoch"
const nobodyHere = (): boolean => false

function memberOf(name: string, generation = 1, rev = generation, status = "{}"): Member {
  return { peer: name as PeerId, node: "node" as NodeId, generation, rev, status }
}

function joined(seq: number, member: Member, epoch = EPOCH): RoomEvent {
  return { epoch, seq, kind: "joined", member }
}

function left(seq: number, name: string, generation = 1, epoch = EPOCH): RoomEvent {
  return { epoch, seq, kind: "left", peer: name as PeerId, generation }
}

function status(seq: number, name: string, rev: number, text: string, epoch = EPOCH): RoomEvent {
  return { epoch, seq, kind: "status", peer: name as PeerId, rev, status: text }
}

/** A replica that stands at `seq` with these members. */
function replicaAt(seq: number, ...members: Member[]): Replica {
  const replica = new Replica()
  replica.adopt({ epoch: EPOCH, seq, members }, nobodyHere, () => {})
  return replica
}

/** What adopting shows, as short texts, and whether somebody must be claimed back. */
function adopt(replica: Replica, snapshot: RoomSnapshot, isHere = nobodyHere as (member: Member) => boolean) {
  const shown: string[] = []
  const reclaim = replica.adopt(snapshot, isHere, (change) => shown.push(textOf(change)))
  return { shown, reclaim }
}

function textOf(change: Change): string {
  if (change.kind === "joined") return `+${change.member.peer}${change.member.status}`
  if (change.kind === "frame") return change.text
  if (change.kind === "moved") return `~${change.member.peer}`
  return change.kind === "left" ? `-${change.peer}` : `=${change.peer}${change.status}`
}

describe("placeOf", () => {
  test("the next is next, what was seen is old, all else is a gap", () => {
    const replica = replicaAt(3, memberOf("a"))
    expect([2, 3, 4, 5].map((seq) => replica.placeOf(left(seq, "a")))).toEqual(["old", "old", "next", "gap"])
    expect(replica.placeOf(left(4, "a", 1, "another life"))).toBe("gap")
    expect(new Replica().placeOf(joined(1, memberOf("a")))).toBe("gap")
  })

  test("hasReached knows positions of its own epoch alone", () => {
    const replica = replicaAt(3)
    expect([2, 3, 4].map((seq) => replica.hasReached({ epoch: EPOCH, seq }))).toEqual([true, true, false])
    expect(replica.hasReached({ epoch: "another life", seq: 1 })).toBe(false)
  })
})

describe("apply", () => {
  test("joins, changes and leaves", () => {
    const replica = replicaAt(0)
    for (const [event, shown] of [
      [joined(1, memberOf("a")), "+a{}"],
      [joined(2, memberOf("b", 1, 1, '{"x":1}')), '+b{"x":1}'],
      [status(3, "a", 2, '{"y":1}'), '=a{"y":1}'],
      [left(4, "b"), "-b"],
    ] as const) {
      const { change, reclaim } = replica.apply(event, nobodyHere)
      expect([change === undefined ? "" : textOf(change), reclaim]).toEqual([shown, false])
    }
    expect([...replica.members.values()]).toEqual([memberOf("a", 1, 2, '{"y":1}')])
    expect(replica.hasReached({ epoch: EPOCH, seq: 4 })).toBe(true)
  })

  test("what names nobody shows nothing, but is counted", () => {
    const replica = replicaAt(1, memberOf("a", 5))
    for (const event of [left(2, "b"), status(3, "b", 9, "{}"), left(4, "a", 4)]) {
      expect(replica.apply(event, nobodyHere)).toEqual({ change: undefined, reclaim: false })
    }
    expect([...replica.members.keys()] as string[]).toEqual(["a"])
    expect(replica.placeOf(left(5, "a", 5))).toBe("next")
  })

  test("a live member is not taken away: it is claimed back", () => {
    const replica = replicaAt(1, memberOf("a", 7))
    const isHere = ({ peer, generation }: Member): boolean => peer === "a" && generation === 7
    expect(replica.apply(left(2, "a", 7), isHere)).toEqual({ change: undefined, reclaim: true })
    expect([...replica.members.keys()] as string[]).toEqual(["a"])
  })

  test("a member that comes back with the same status is no news", () => {
    const replica = replicaAt(1, memberOf("a", 7))
    expect(replica.apply(joined(2, memberOf("a", 7)), nobodyHere).change).toBeUndefined()
    const change = replica.apply(joined(3, memberOf("a", 7, 8, '{"x":1}')), nobodyHere).change
    expect(change === undefined ? "" : textOf(change)).toBe('=a{"x":1}')
  })
})

describe("adopt", () => {
  test("shows leaves, then joins and changes; nothing twice", () => {
    const replica = replicaAt(3, memberOf("a"), memberOf("b"), memberOf("c"))
    const members = [memberOf("b", 1, 2, '{"x":1}'), memberOf("c"), memberOf("d")]
    expect(adopt(replica, { epoch: EPOCH, seq: 9, members })).toEqual({
      shown: ["-a", '=b{"x":1}', "+d{}"],
      reclaim: false,
    })
    expect(adopt(replica, { epoch: EPOCH, seq: 9, members })).toEqual({ shown: [], reclaim: false })
    expect(replica.placeOf(left(10, "d"))).toBe("next")
  })

  test("who left and joined again in the gap is shown to do both", () => {
    const replica = replicaAt(3, memberOf("a", 1))
    expect(adopt(replica, { epoch: EPOCH, seq: 5, members: [memberOf("a", 2)] }).shown).toEqual(["-a", "+a{}"])
  })

  test("another life of the room is a snapshot as any other", () => {
    const replica = replicaAt(30, memberOf("a"), memberOf("b"))
    expect(adopt(replica, { epoch: "new", seq: 2, members: [memberOf("b"), memberOf("c")] }).shown).toEqual([
      "-a",
      "+c{}",
    ])
    expect(replica.placeOf(left(3, "b", 1, "new"))).toBe("next")
    expect(replica.placeOf(left(31, "b"))).toBe("gap")
  })

  test("a live member that another node has taken over is given up, though both counted to the same generation", () => {
    const isHere = ({ node, generation }: Member): boolean => node === memberOf("a").node && generation === 2
    const taken = { ...memberOf("a", 2), node: "elsewhere" as NodeId, born: 1 }
    const replica = replicaAt(3, { ...memberOf("a", 2), born: 1 })
    const { reclaim } = adopt(replica, { epoch: EPOCH, seq: 5, members: [taken] }, isHere)
    expect([reclaim, replica.members.get("a" as PeerId)]).toEqual([false, taken])
  })

  test("a live member that is missing, or there from an earlier generation, is kept and claimed back", () => {
    const isHere = ({ peer, generation }: Member): boolean => peer === "a" && generation === 2
    for (const members of [[memberOf("b")], [memberOf("b"), memberOf("a", 1)]]) {
      const replica = replicaAt(3, memberOf("a", 2), memberOf("b"))
      expect(adopt(replica, { epoch: "new", seq: 1, members }, isHere)).toEqual({ shown: [], reclaim: true })
      expect(replica.members.get("a" as PeerId)).toEqual(memberOf("a", 2))
    }
  })
})

test("a log applied one by one and a snapshot of its end give the same, wherever the gap is", () => {
  const names = ["a", "b", "c", "d"]
  const step = fc.record({
    name: fc.constantFrom(...names),
    what: fc.constantFrom("toggle", "status"),
    value: fc.nat(3),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(30), fc.nat(30), (steps, one, two) => {
      const members = new Map<string, Member>()
      const log: RoomEvent[] = []
      const snapshots: RoomSnapshot[] = [{ epoch: EPOCH, seq: 0, members: [] }]
      let turns = 0
      for (const { name, what, value } of steps) {
        const known = members.get(name)
        const seq = log.length + 1
        if (known === undefined) {
          const member = memberOf(name, ++turns)
          members.set(name, member)
          log.push(joined(seq, member))
        } else if (what === "toggle") {
          members.delete(name)
          log.push(left(seq, name, known.generation))
        } else {
          const text = `{"v":${value}}`
          members.set(name, { ...known, rev: ++turns, status: text })
          log.push(status(seq, name, turns, text))
        }
        snapshots.push({ epoch: EPOCH, seq, members: [...members.values()] })
      }
      // Events up to `from` are applied, those up to `to` are lost, the rest is applied on top of a snapshot.
      const [from = 0, to = 0] = [one, two].map((at) => Math.min(at, log.length)).sort((a, b) => a - b)
      const replica = replicaAt(0)
      const view = new Map<string, string>()
      const show = (change: Change): void => {
        if (change.kind === "left") expect(view.delete(change.peer)).toBe(true)
        else if (change.kind === "status") {
          expect(view.has(change.peer)).toBe(true)
          view.set(change.peer, change.status)
        } else if (change.kind === "joined") {
          expect(view.has(change.member.peer)).toBe(false)
          view.set(change.member.peer, change.member.status)
        }
      }
      const applyAll = (events: readonly RoomEvent[]): void => {
        for (const event of events) {
          expect(replica.placeOf(event)).toBe("next")
          const { change } = replica.apply(event, nobodyHere)
          if (change !== undefined) show(change)
        }
      }
      applyAll(log.slice(0, from))
      replica.adopt(snapshots[to] as RoomSnapshot, nobodyHere, show)
      applyAll(log.slice(to))
      expect(view).toEqual(new Map([...members.values()].map((member) => [member.peer, member.status])))
      expect(new Map(replica.members.values().map((member) => [member.peer as string, member]))).toEqual(members)
    }),
  )
})
