// A member goes from one node to another, both alive: the node of before gathers what belongs to it, and tells it to the next.
//
//   next node        change_rooms.lua gives it the member and announces `moved`; its client waits (arrival.ts)
//   node of before   sees `moved`: what was in the room before is in the member's log. It tells the next that the log will
//                    come, keeps in it what still arrives for the member, and asks every node with members in the room,
//                    behind all that the member has sent there
//   every such node  answers behind all that it has sent to the member, once those who arrive there from elsewhere have
//   node of before   has all answers: tells the next the log
//   next node        sends its client the log, and then what was said to the member there
//
// So each sender's messages keep their order, whichever way they go. What is not done in time is not waited for: then the
// client is told that frames may be lost.

import type { Clock } from "../../clock.ts"
import type { NodeId, PeerId, RoomKey } from "../../rooms/ids.ts"
import type { Membership } from "../../rooms/membership.ts"
import type { Member, Position } from "../../rooms/room-store.ts"
import type { DialectParts } from "../contract.ts"
import { type HandOverMessage, type PackedLog, readHandOver, writeHandOver } from "./hand-over-message.ts"
import type { Resumption } from "./resumption.ts"

/** 1 s: relays and answers take milliseconds; a node that is slower than that is dead, or its clients have other worries. */
const GATHER_MS = 1_000

/** A member on its way from another node to this one. */
export interface Arriving {
  readonly peer: PeerId
  /** Resolves when its place in the log is known, or it will not come. */
  readonly placed: Promise<void>
  /** Resolves when its client has it, or will not have it. */
  readonly done: Promise<void>
  /** Whether it has come, at an earlier place of the log. */
  isBefore(position: Position): boolean
  /** What the node of before says, for one that has this generation here. */
  onComing(generation: number): void
  onLog(generation: number, packed: PackedLog | undefined, isKnown?: boolean): void
}

/** A member on its way from this node to another. */
interface Departure {
  readonly generation: number
  /** Nodes that have not answered. */
  readonly missing: Set<NodeId>
  /** Called once all have, with true; or before, when that is of no use any more. */
  readonly onAnswered: (areAll: boolean) => void
}

/** What they work with. */
export type HandOversParts = Pick<DialectParts, "clock" | "log"> & {
  readonly rooms: Pick<DialectParts["rooms"], "commands" | "crossRelays" | "redirects" | "registry" | "node">
}

/** See the head of this file. */
export class HandOvers {
  readonly #parts: HandOversParts
  readonly #place: PeerId
  /** Each for GATHER_MS at most, and of a membership that was here. */
  readonly #departures = new Map<PeerId, Departure>()
  /** Those that this node is the next for: each is a message of a connection that is waited for. */
  readonly #arrivals = new Map<PeerId, Arriving>()

  constructor(parts: HandOversParts) {
    this.#parts = parts
    this.#place = parts.rooms.crossRelays.listen("palava/hand-over", {
      onTold: (room, from, text) => this.#onTold(room, from, readHandOver(text)),
      // Whoever waits for it does so for a time only.
      onFailed() {},
    })
  }

  /** Members on their way to or from another node. */
  get size(): number {
    return this.#departures.size + this.#arrivals.size
  }

  /** The one of this peer. */
  arrivalOf(peer: PeerId): Arriving | undefined {
    return this.#arrivals.get(peer)
  }

  /** What is said of it by the node of before is for it from here on. */
  expect(arrival: Arriving): void {
    this.#arrivals.set(arrival.peer, arrival)
  }

  /** It has come, or will not come. */
  forget(arrival: Arriving): void {
    if (this.#arrivals.get(arrival.peer) === arrival) this.#arrivals.delete(arrival.peer)
  }

  /** It has come: what still goes the way by which it left, if it was here a moment ago, cannot be put in order. */
  onArrived(peer: PeerId): void {
    this.#departures.get(peer)?.onAnswered(false)
  }

  /**
   * The membership has gone to another node, and is no part of its room any more. Resolves when that node was told, and
   * nothing of it is kept here.
   * @param isLogged whether its log ends where that of the room says that it went
   * @param ready resolves when its last message is done; with false, when its log is not whole
   */
  async depart(
    membership: Membership,
    by: Member,
    isLogged: boolean,
    resumption: Resumption,
    ready: Promise<boolean>,
  ): Promise<void> {
    const { room, peer } = membership
    const { node, generation } = by
    const at = isLogged ? room.position : undefined
    const asked = this.#parts.rooms.commands.statusOf(membership)
    const status = asked === membership.status ? undefined : asked
    this.#tell(node, room.key, { kind: "coming", peer, generation })
    const isWhole = at !== undefined && (await this.#gather(membership, generation, at, ready))
    const packed = isWhole ? { ...resumption.pack(), at, status } : undefined
    this.#tell(node, room.key, { kind: "log", peer, generation, packed })
    await ready
    resumption.log.clear()
    membership.log = undefined
  }

  /** @returns whether all that is for the member, or from it, has arrived */
  async #gather(membership: Membership, generation: number, at: Position, ready: Promise<boolean>): Promise<boolean> {
    const { clock, rooms } = this.#parts
    const { room, peer } = membership
    const answered = Promise.withResolvers<boolean>()
    const missing = new Set<NodeId>()
    for (const member of room.members.values()) if (member.peer !== peer) missing.add(member.node)
    missing.delete(rooms.node)
    if (missing.size === 0) answered.resolve(true)
    const departure = { generation, missing, onAnswered: answered.resolve }
    this.onArrived(peer)
    this.#departures.set(peer, departure)
    rooms.redirects.add(membership)
    for (const other of missing) this.#tell(other, room.key, { kind: "ask", peer, generation, at })
    const both = Promise.all([answered.promise, ready]).then(([areAll, isReady]) => areAll && isReady)
    const isWhole = await within(clock, GATHER_MS, both)
    rooms.redirects.remove(membership)
    if (this.#departures.get(peer) === departure) this.#departures.delete(peer)
    return isWhole === true
  }

  #onTold(room: RoomKey, from: NodeId, message: HandOverMessage | undefined): void {
    if (message === undefined) return
    const { peer, generation } = message
    switch (message.kind) {
      case "coming":
        this.#arrivals.get(peer)?.onComing(generation)
        break
      case "log":
        this.#arrivals.get(peer)?.onLog(generation, message.packed)
        break
      case "unknown":
        this.#arrivals.get(peer)?.onLog(generation, undefined, false)
        break
      case "ask":
        this.#answer(room, from, message).catch((cause) => {
          this.#parts.log.error({ err: cause }, "bug: a node was not answered")
        })
        break
      case "answer": {
        const departure = this.#departures.get(peer)
        if (departure?.generation !== generation) return
        departure.missing.delete(from)
        if (departure.missing.size === 0) departure.onAnswered(true)
      }
    }
  }

  /** Who has come here from elsewhere may have sent something from there: it must have arrived before the answer. */
  async #answer(
    key: RoomKey,
    from: NodeId,
    { peer, generation, at }: HandOverMessage & { kind: "ask" },
  ): Promise<void> {
    const room = this.#parts.rooms.registry.get(key)
    // The room is being repaired, and does not know yet that it has gone.
    if (room?.members.get(peer)?.node === from) return
    const peers = room === undefined ? [] : [...room.members.keys(), ...room.joiners.keys()]
    const arrivals = peers.flatMap((each) => this.#arrivals.get(each) ?? [])
    if (room?.isLive === false) await Promise.all(arrivals.map(({ placed }) => placed))
    await Promise.all(arrivals.map((arrival) => (arrival.isBefore(at) ? arrival.done : undefined)))
    this.#tell(from, key, { kind: "answer", peer, generation })
  }

  #tell(node: NodeId, room: RoomKey, message: Parameters<typeof writeHandOver>[0]): void {
    this.#parts.rooms.crossRelays.tell(node, this.#place, room, writeHandOver(message))
  }
}

/** What comes of `work`; undefined when it is not done in so many milliseconds. */
function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(undefined))
    work.then(resolve, reject).finally(cancel)
  })
}
