// A room as this node knows it: epoch, seq and members. Changed only by applying the log in order or by adopting a
// snapshot, so every node shows its clients the same order. Pure data: it sends nothing and knows no socket.

import type { PeerId } from "./ids.ts"
import { PeerList, type ReadonlyPeerList } from "./peer-list.ts"
import type { Audience, Lock, Member, Position, RoomEvent, RoomSnapshot, StatusText } from "./room-store.ts"

/** What clients may be shown: a change of the membership or a frame, without its place in the log. */
export type Change =
  | { readonly kind: "joined"; readonly member: Member }
  /** `isReplaced`: it was a live one of this node, and another of the same identity has taken its place. */
  | { readonly kind: "left"; readonly peer: PeerId; readonly isReplaced: boolean }
  | { readonly kind: "status"; readonly peer: PeerId; readonly rev: number; readonly status: StatusText }
  | {
      readonly kind: "frame"
      readonly peer: PeerId
      readonly text: string
      readonly to: Audience
      readonly lock?: Lock
    }
  /** `isLogged`: seen in the log, at the replica's position; else a snapshot showed it, later than it happened. */
  | { readonly kind: "moved"; readonly member: Member; readonly hasNewStatus: boolean; readonly isLogged: boolean }

/** Where an event stands for a replica: to be applied, already known, or behind something missed. */
export type Place = "next" | "old" | "gap"

/** A room's members at one position of its log. */
export class Replica {
  #epoch = ""
  #seq = 0
  /** Whether an event of this epoch has come over the channel. */
  #isHeard = false
  /** The part of the log that a snapshot took the place of: what was said in it may still come. */
  #skipped: { next: number; readonly last: number } | undefined
  readonly #members = new PeerList<Member>()

  /** Members by peer id, oldest first. Only the replica changes it. */
  get members(): ReadonlyPeerList<Member> {
    return this.#members
  }

  /** How far it is. */
  get position(): Position {
    return { epoch: this.#epoch, seq: this.#seq }
  }

  /** Whether the replica has reached `position` of the log. A position of another epoch is not reached. */
  hasReached(position: { epoch: string; seq: number }): boolean {
    return this.#epoch === position.epoch && this.#seq >= position.seq
  }

  /** The members stay, to be compared with the next snapshot, which will be taken whatever it says. */
  forgetPlace(): void {
    this.#epoch = ""
    this.#seq = 0
    this.#isHeard = false
    this.#skipped = undefined
  }

  /** Whether the replica is past `snapshot`: it was taken before what the replica has been told since. */
  isPast(snapshot: RoomSnapshot): boolean {
    return this.#epoch === snapshot.epoch && this.#seq > snapshot.seq
  }

  /**
   * Where `event` stands: beyond the next seq, something was missed. An event of another epoch is of a life of the room
   * before this one, as long as none of this one has come: the channel keeps its order. Later, it is of the next.
   */
  placeOf(event: RoomEvent): Place {
    if (event.epoch !== this.#epoch) return this.#isHeard || this.#epoch === "" ? "gap" : "old"
    this.#isHeard = true
    if (event.seq <= this.#seq) return "old"
    return event.seq === this.#seq + 1 ? "next" : "gap"
  }

  /**
   * Whether an old event is a frame that nobody here has seen: a snapshot has overtaken it on its way. Snapshots tell who
   * is there, and not what was said. Each is unseen once.
   */
  isUnseenFrame(event: RoomEvent): event is Extract<RoomEvent, { kind: "frame" }> {
    const skipped = this.#skipped
    if (skipped === undefined || event.epoch !== this.#epoch) return false
    if (event.seq < skipped.next || event.seq > skipped.last) return false
    skipped.next = event.seq + 1
    return event.kind === "frame"
  }

  /**
   * Applies the next event of the log. A member for whom `isHere` holds is a live connection of this node: the log may
   * not take it from the view (its node was taken for dead, and will claim it back).
   * @returns what to show, and whether a live member must be claimed back
   */
  apply(event: RoomEvent, isHere: (member: Member) => boolean): { change: Change | undefined; reclaim: boolean } {
    this.pass(event)
    switch (event.kind) {
      case "joined": {
        const known = this.#members.get(event.member.peer)
        // A join that was given up and arrives behind the next one of the same connection must not replace it.
        const isLate = known !== undefined && known.generation !== event.member.generation && isHere(known)
        if (isLate) return { change: undefined, reclaim: true }
        this.#members.set(event.member)
        if (known === undefined) return { change: event, reclaim: false }
        return { change: statusChange(known, event.member), reclaim: false }
      }
      case "left": {
        const known = this.#members.get(event.peer)
        if (known === undefined || known.generation !== event.generation) return NOTHING
        const isReplaced = isHere(known)
        if (isReplaced && event.isReplaced !== true) return { change: undefined, reclaim: true }
        this.#members.delete(event.peer)
        return { change: { kind: "left", peer: event.peer, isReplaced }, reclaim: false }
      }
      case "status": {
        const known = this.#members.get(event.peer)
        if (known === undefined) return NOTHING
        this.#members.set({ ...known, rev: event.rev, status: event.status })
        return { change: event, reclaim: false }
      }
      case "moved": {
        const known = this.#members.get(event.member.peer)
        this.#members.set(event.member)
        if (known === undefined) return { change: { kind: "joined", member: event.member }, reclaim: false }
        return { change: moveOf(known, event.member, true), reclaim: false }
      }
      case "frame":
        return { change: event, reclaim: false }
    }
  }

  /** The next event of the log is one that changes no member, as frames do: to be shown as it is. */
  pass(event: RoomEvent): void {
    this.#seq = event.seq
    // The channel keeps its order: nothing from before comes any more.
    this.#skipped = undefined
  }

  /**
   * Takes over a snapshot after something was missed: nothing is shown twice, nothing is left out. Each difference is
   * shown as soon as it is made, so whoever looks at the members meanwhile sees none of those still to be shown.
   * @param isHeard whether anybody of this node was in the room before, for whom it was said
   * @returns whether a live member must be claimed back
   */
  adopt(
    snapshot: RoomSnapshot,
    isHere: (member: Member) => boolean,
    show: (change: Change) => void,
    isHeard = false,
  ): boolean {
    const next = this.#skipped?.next ?? this.#seq + 1
    const isSameLife = snapshot.epoch === this.#epoch
    this.#skipped = isSameLife && isHeard ? { next, last: snapshot.seq } : undefined
    if (!isSameLife) this.#isHeard = false
    this.#epoch = snapshot.epoch
    this.#seq = snapshot.seq
    let reclaim = false
    // Shown last: who takes a client over has all that was before.
    const moves: Extract<Change, { kind: "moved" }>[] = []
    const now = new Map(snapshot.members.map((member) => [member.peer, member]))
    for (const known of [...this.#members.values()]) {
      if (isSameMembership(now.get(known.peer), known)) continue
      const other = now.get(known.peer)
      if (other !== undefined && isLaterLifeOf(known, other)) {
        moves.push(moveOf(known, other, false))
        now.delete(known.peer)
        continue
      }
      const isReplaced = isHere(known) && hasLater(known, snapshot.members)
      if (isHere(known) && !isReplaced) {
        reclaim = true
        now.delete(known.peer)
        continue
      }
      this.#members.delete(known.peer)
      show({ kind: "left", peer: known.peer, isReplaced })
    }
    for (const member of now.values()) {
      const known = this.#members.get(member.peer)
      this.#members.set(member)
      if (known === undefined && member.born !== undefined && isHere(member)) {
        // An older member than its place in the log.
        moves.push({ kind: "moved", member, hasNewStatus: false, isLogged: false })
      } else {
        const change: Change | undefined =
          known === undefined ? { kind: "joined", member } : statusChange(known, member)
        if (change !== undefined) show(change)
      }
    }
    for (const move of moves) {
      this.#members.set(move.member)
      show(move)
    }
    return reclaim
  }
}

const NOTHING = { change: undefined, reclaim: false } as const

/** Whether there is a later member of the same identity. */
export function hasLater(member: Aged, among: Iterable<Member>): boolean {
  if (member.mark === undefined) return false
  for (const other of among) if (other.mark === member.mark && isBefore(member, other)) return true
  return false
}

/** Whether of two members one became one before the other; every node and store says the same. */
export function isBefore(one: Aged, other: Aged): boolean {
  const [since, itsSince] = [one.born ?? one.generation, other.born ?? other.generation]
  return since < itsSince || (since === itsSince && one.peer < other.peer)
}

/** What tells how old a member is, and whose. */
type Aged = Pick<Member, "peer" | "generation" | "born" | "mark">

/** Whether `member`, who is not `known`, is the same membership, taken over since; by two nodes at once, perhaps. */
function isLaterLifeOf(known: Member, member: Member): boolean {
  return member.generation >= known.generation && member.born === (known.born ?? known.generation)
}

function moveOf(known: Member, member: Member, isLogged: boolean): Extract<Change, { kind: "moved" }> {
  return { kind: "moved", member, hasNewStatus: known.status !== member.status, isLogged }
}

function isSameMembership(a: Member | undefined, b: Member): boolean {
  return a !== undefined && a.generation === b.generation && a.node === b.node
}

function statusChange(known: Member, member: Member): Change | undefined {
  if (known.status === member.status) return undefined
  return { kind: "status", peer: member.peer, rev: member.rev, status: member.status }
}
