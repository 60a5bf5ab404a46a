// One room's view alone: what it shows when answers and events cross on their way.

import { expect, test } from "bun:test"
import { makePeerId, type NodeId, type PeerId, toRoomKey } from "../../src/rooms/ids.ts"
import type { Change } from "../../src/rooms/replica.ts"
import type { Member, RoomEvent } from "../../src/rooms/room-store.ts"
import { RoomView, type RoomViewHost } from "../../src/signaling/room-view.ts"

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

/** A view whose members are all elsewhere, and what it has shown and asked for. */
function makeView() {
  const shown: string[] = []
  let heals = 0
  const names = new Map([ada, ben, cem].map((peer, at) => [peer, ["ada", "ben", "cem"][at]]))
  const host: RoomViewHost = {
    clock: { after: () => () => {} },
    isHere: () => false,
    show: (_room, change: Change) => {
      shown.push(`${change.kind} ${names.get(change.kind === "joined" ? change.member.peer : change.peer)}`)
    },
    deliver: () => {},
    onDropped: () => {},
    heal: () => {
      heals++
    },
    reclaim: () => {},
  }
  const view = new RoomView(toRoomKey("tea"), host)
  return { view, shown, heals: () => heals }
}

test("a snapshot the log has overtaken on its way changes nothing", () => {
  const { view, shown } = makeView()
  view.adopt({ epoch: "first", seq: 2, members: [member(ada), member(ben)] }, view.received)
  view.onEvent(left(3, ada))
  view.adopt({ epoch: "first", seq: 2, members: [member(ada), member(ben)] }, view.received)
  expect([...view.members.keys()]).toEqual([ben])
  expect(shown).toEqual(["joined ada", "joined ben", "left ada"])
})

test("a hole is shown as the difference to the snapshot, and what came meanwhile after it", () => {
  const { view, shown, heals } = makeView()
  view.adopt({ epoch: "first", seq: 2, members: [member(ada), member(ben)] }, view.received)
  view.onEvent(joined(5, cem))
  expect([heals(), view.isLive]).toEqual([1, false])
  const asked = view.received
  view.onEvent(left(6, ben))
  view.adopt({ epoch: "first", seq: 5, members: [member(ben), member(cem)] }, asked)
  expect(shown).toEqual(["joined ada", "joined ben", "left ada", "joined cem", "left ben"])
  expect([heals(), view.isLive]).toEqual([1, true])
})

test("events of a life of the room that is over heal it once, not for ever", () => {
  const { view, shown, heals } = makeView()
  view.adopt({ epoch: "first", seq: 1, members: [member(ada)] }, view.received)
  view.onEvent(joined(2, ben))
  view.onEvent(left(7, ben, "lost"))
  view.adopt({ epoch: "second", seq: 1, members: [member(ada)] }, view.received)
  view.onEvent(joined(2, cem, "second"))
  expect(shown).toEqual(["joined ada", "joined ben", "left ben", "joined cem"])
  expect([heals(), view.isLive]).toEqual([1, true])
})
