// What every RoomStore must do, whichever backend keeps the rooms: one suite, run by each store's own test file.
// Events may come before or after the reply to the command that caused them, so tests wait for them by position.

import { describe, expect, test } from "bun:test"

import { makePeerId, type NodeId, type PeerId, type RoomKey, toRoomKey } from "../../src/rooms/ids.ts"
import type {
  JoinRequest,
  Member,
  Position,
  Ref,
  Relay,
  RelayFailure,
  RoomEvent,
  RoomListener,
  RoomSnapshot,
  RoomStore,
} from "../../src/rooms/room-store.ts"

/** A listener that remembers what it was told, and can be waited on. */
export class Recorder implements RoomListener {
  readonly events: { readonly room: RoomKey; readonly event: RoomEvent }[] = []
  readonly relays: Relay[] = []
  readonly failures: { readonly from: PeerId; readonly ref: Ref; readonly error: RelayFailure }[] = []
  readonly opened: RoomKey[] = []
  readonly closed: { readonly room: RoomKey; readonly peak: number; readonly openMs: number }[] = []
  readonly swept: { readonly room: RoomKey; readonly peer: PeerId; readonly stayedMs: number }[] = []
  resyncs = 0
  /** What onResync does. */
  resync: () => Promise<void> = async () => {}
  readonly #waiting = new Set<() => void>()

  onRoomEvent(room: RoomKey, event: RoomEvent): void {
    this.events.push({ room, event })
    this.#wake()
  }

  onRelay(relay: Relay): void {
    this.relays.push(relay)
    this.#wake()
  }

  onRelayFailed({ from }: Relay, ref: Ref, error: RelayFailure): void {
    this.failures.push({ from, ref, error })
    this.#wake()
  }

  onRoomOpened(room: RoomKey): void {
    this.opened.push(room)
    this.#wake()
  }

  onSwept(room: RoomKey, peer: PeerId, stayedMs: number): void {
    this.swept.push({ room, peer, stayedMs })
    this.#wake()
  }

  onRoomClosed(room: RoomKey, peak: number, openMs: number): void {
    this.closed.push({ room, peak, openMs })
    this.#wake()
  }

  async onResync(): Promise<void> {
    await this.resync()
    this.resyncs++
    this.#wake()
  }

  /** The events of one room so far. */
  eventsOf(room: RoomKey): RoomEvent[] {
    return this.events.filter((entry) => entry.room === room).map(({ event }) => event)
  }

  /** Resolves when `isTrue`, asked after everything that is told. */
  until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const ask = () => {
        if (!isTrue()) return
        this.#waiting.delete(ask)
        resolve()
      }
      this.#waiting.add(ask)
      ask()
    })
  }

  /** Resolves when the event at `position` has come. */
  reached(room: RoomKey, position: Position | undefined): Promise<void> {
    const { epoch, seq } = position ?? { epoch: "", seq: 0 }
    return this.until(() => this.eventsOf(room).some((event) => event.epoch === epoch && event.seq >= seq))
  }

  #wake(): void {
    for (const ask of [...this.#waiting]) ask()
  }
}

/** A store that is started, and what its listener heard. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: RoomStore
  readonly heard: Recorder
}

/** Starts a store, alone with its rooms. */
export type MakeStore = () => Promise<StoreUnderTest>

let rooms = 0

/** A room nobody else uses. */
export function makeRoom(): RoomKey {
  return toRoomKey(`room ${process.pid} ${++rooms} ${Math.random()}`)
}

/** A join with nothing special about it. */
export function joinOf(room: RoomKey, peer: PeerId, more: Partial<JoinRequest> = {}): JoinRequest {
  return {
    room,
    peer,
    generation: 1,
    rev: 1,
    status: "{}",
    limit: 100,
    ifTaken: "leave",
    withSnapshot: true,
    ...more,
  }
}

/** A member as a joinOf() makes it. */
export function memberOf(node: NodeId, peer: PeerId, more: Partial<Member> = {}): Member {
  return { peer, node, generation: 1, rev: 1, status: "{}", ...more }
}

/** Joins, and gives the position of its event. */
export async function join(
  store: RoomStore,
  request: JoinRequest,
): Promise<Position & { snapshot: RoomSnapshot | undefined }> {
  const result = await store.join(request)
  if (result.kind !== "joined") throw new Error(result.kind)
  return { ...result.position, snapshot: result.snapshot }
}

/** Tests that any store passes. */
export function roomStoreSuite(name: string, makeStore: MakeStore): void {
  describe(`${name} keeps the contract of a room store:`, () => {
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
      expect(await store.prove(room, peer, 1, "x")).toBe(false)
      expect(await store.prove(room, peer, 3, "d")).toBe(true)
      expect(await store.join(byProof("b", "c", 4))).toEqual({ kind: "unproven" })
      const again = await join(store, byProof("d", "e", 4))
      await heard.reached(room, again)
      expect(heard.eventsOf(room).slice(3)).toEqual([
        { epoch: again.epoch, seq: 4, kind: "moved", member },
        { epoch: again.epoch, seq: 5, kind: "moved", member: { ...member, generation: 4, rev: 4 } },
      ])
      // A restore brings the proof that its node knows.
      await store.restore(room, [{ ...member, generation: 4, rev: 4, proof: "f" }, memberOf(store.node, other)], [])
      expect(await store.join(byProof("e", "g", 5))).toEqual({ kind: "unproven" })
      expect(await store.join(byProof("f", "g", 5))).toMatchObject({ kind: "joined" })
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
  })
}
