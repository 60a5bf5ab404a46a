// One room's log alone: what it shows when answers and events cross on their way.

import { expect, test } from "bun:test"
import { makePeerId, type NodeId, type PeerId } from "../../src/rooms/ids.ts"
import type { Change } from "../../src/rooms/replica.ts"
import { RoomLog } from "../../src/rooms/room-log.ts"
import type { Member, RoomEvent } from "../../src/rooms/room-store.ts"

const [ada, ben, cem] = [makePeerId(), makePeerId(), makePeerId()] as [PeerId, PeerId, PeerId]

const member = (peer: PeerId): Member => ({ peer, node: "elsewhere" as NodeId, generation: 1, rev: 1, status: "{}" })

const joined = (seq: number, peer: PeerId, epoch = "first"): RoomEvent => ({
  epoch,
  seq,
  kind: "joined",
  member: member(peer),
})

const left = (seq: number, peer: PeerId, epoch = "first"): RoomEvent => ({
  epoch,
  seq,
  kind: "left",
  peer,
  generation: 1,
})

const NAMES = new Map([ada, ben, cem].map((peer, at) => [peer, ["ada", "ben", "cem"][at]]))

/** A log of a room whose members are all elsewhere, and what it has shown and asked for. */
class WatchedLog extends RoomLog {
  readonly shown: string[] = []
  repairs = 0
  protected readonly clock = { monotonicMs: () => 0, unixMs: () => 0, after: () => () => {}, soon: () => {} }

  protected isHere(): boolean {
    return false
  }

  protected show(change: Change): void {
    if (change.kind === "frame") this.shown.push(change.text)
    else if (change.kind === "moved") this.shown.push(`moved ${NAMES.get(change.member.peer)}`)
    else this.shown.push(`${change.kind} ${NAMES.get(change.kind === "joined" ? change.member.peer : change.peer)}`)
  }

  protected deliver(): void {}

  protected onDropped(): void {}

  protected repair(): void {
    this.repairs++
  }

  protected reclaim(): void {}

  protected isHeard(): boolean {
    return this.members.size > 0
  }

  protected partFromReplaced(): void {}

  protected hasLostJoiner(): boolean {
    return false
  }
}

test("a snapshot the log has overtaken on its way changes nothing", () => {
  const log = new WatchedLog()
  log.adopt({ epoch: "first", seq: 2, members: [member(ada), member(ben)] }, log.received)
  log.onEvent(left(3, ada))
  log.adopt({ epoch: "first", seq: 2, members: [member(ada), member(ben)] }, log.received)
  expect([...log.members.keys()]).toEqual([ben])
  expect(log.shown).toEqual(["joined ada", "joined ben", "left ada"])
})

test("a gap is shown as the difference to the snapshot, and what came meanwhile after it", () => {
  const log = new WatchedLog()
  log.adopt({ epoch: "first", seq: 2, members: [member(ada), member(ben)] }, log.received)
  log.onEvent(joined(5, cem))
  expect([log.repairs, log.isLive]).toEqual([1, false])
  const asked = log.received
  log.onEvent(left(6, ben))
  log.adopt({ epoch: "first", seq: 5, members: [member(ben), member(cem)] }, asked)
  expect(log.shown).toEqual(["joined ada", "joined ben", "left ada", "joined cem", "left ben"])
  expect([log.repairs, log.isLive]).toEqual([1, true])
})

test("events of a life of the room that is over repair it once, not for ever", () => {
  const log = new WatchedLog()
  log.adopt({ epoch: "first", seq: 1, members: [member(ada)] }, log.received)
  log.onEvent(joined(2, ben))
  log.onEvent(left(7, ben, "lost"))
  log.adopt({ epoch: "second", seq: 1, members: [member(ada)] }, log.received)
  log.onEvent(joined(2, cem, "second"))
  expect(log.shown).toEqual(["joined ada", "joined ben", "left ben", "joined cem"])
  expect([log.repairs, log.isLive]).toEqual([1, true])
})

test("after a resync the next snapshot is taken, though the log it names is shorter than what was known", () => {
  const log = new WatchedLog()
  log.adopt({ epoch: "first", seq: 9, members: [member(ada), member(ben)] }, log.received)
  log.forgetPlace()
  log.onEvent(joined(7, cem))
  const asked = log.received
  log.adopt({ epoch: "first", seq: 7, members: [member(ben), member(cem)] }, asked)
  log.onEvent(left(8, ben))
  expect(log.shown).toEqual(["joined ada", "joined ben", "left ada", "joined cem", "left ben"])
  expect([log.repairs, log.isLive]).toEqual([0, true])
})

test("a membership that was taken over is the same one, whether its event or a snapshot tells of it", () => {
  const log = new WatchedLog()
  log.adopt({ epoch: "first", seq: 1, members: [member(ada), member(ben)] }, log.received)
  const moved = { ...member(ada), node: "third" as NodeId, generation: 9, born: 1 }
  log.onEvent({ epoch: "first", seq: 2, kind: "moved", member: moved })
  expect([...log.members.values()]).toEqual([moved, member(ben)])
  const again = { ...moved, node: "fourth" as NodeId, generation: 12 }
  log.onEvent(joined(4, cem))
  log.adopt({ epoch: "first", seq: 4, members: [again, member(ben), member(cem)] }, log.received)
  expect([...log.members.values()]).toEqual([again, member(ben), member(cem)])
  expect(log.shown).toEqual(["joined ada", "joined ben", "moved ada", "joined cem", "moved ada"])
})

test("a frame has its place among the joins and leaves, and is shown once", () => {
  const log = new WatchedLog()
  log.adopt({ epoch: "first", seq: 1, members: [member(ada)] }, log.received)
  const frame: RoomEvent = { epoch: "first", seq: 3, kind: "frame", peer: ben, text: "hello", to: "all" }
  log.onEvent(joined(2, ben))
  log.onEvent(frame)
  log.onEvent(frame)
  log.onEvent(left(4, ben))
  expect(log.shown).toEqual(["joined ada", "joined ben", "hello", "left ben"])
})

test("what was said is not lost when a snapshot overtakes it: it is shown once, whenever it comes", () => {
  const frame = (seq: number, epoch = "first"): RoomEvent => {
    return { epoch, seq, kind: "frame", peer: ada, text: `frame ${seq}`, to: "all" }
  }
  const log = new WatchedLog()
  log.adopt({ epoch: "first", seq: 1, members: [member(ada)] }, log.received)
  // 2 was lost, 3 waits; 4 and 5 are still on their way when a snapshot tells of all.
  log.onEvent(frame(3))
  expect(log.repairs).toBe(1)
  log.adopt({ epoch: "first", seq: 5, members: [member(ada), member(ben)] }, log.received)
  for (const seq of [4, 4, 3, 5, 5]) log.onEvent(frame(seq))
  log.onEvent(frame(6))
  log.onEvent(frame(5))
  expect(log.shown).toEqual(["joined ada", "joined ben", "frame 3", "frame 4", "frame 5", "frame 6"])
  // Nobody was there for whom a former life of the room could have been.
  log.adopt({ epoch: "next", seq: 9, members: [member(ada)] }, log.received)
  log.onEvent(frame(8, "next"))
  expect(log.shown.slice(6)).toEqual(["left ben"])
})
