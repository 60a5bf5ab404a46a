// One peer in one room at this node: who it is there, since when, and who is told of it. Its room changes it, and nobody
// else.

import type { Clock } from "../clock.ts"
import type { RoomEncoder } from "./encoder.ts"
import { type Grant, may } from "./grant.ts"
import type { PeerId, RoomKey } from "./ids.ts"
import { timeOf } from "./numbers.ts"
import type { ReadonlyPeerList } from "./peer-list.ts"
import type { Lock, Member, Position, Ref, RelayFailure, StatusText } from "./room-store.ts"

/** A room as those in it see it; room.ts is the one there is. */
export interface JoinedRoom {
  readonly key: RoomKey
  /** How its events read on the wire. */
  readonly encoder: RoomEncoder
  /** The topic of what is for all its members at this node. */
  readonly topic: string
  /** All members, oldest first, as the log says. */
  readonly members: ReadonlyPeerList<Member>
  /** How far this node knows its log. */
  readonly position: Position
  /** How far it has heard of it, in the log or by a reply; undefined while it waits for a snapshot. */
  readonly known: Position | undefined
  /** The last lock, or the end of one, of which this node was told. */
  readonly lock: Lock | undefined
  /** Those of this node. */
  readonly here: Omit<ReadonlyPeerList<Membership>, "keys">
  /** Whether a message can be sent to this peer. */
  isMember(peer: unknown): peer is PeerId
  /** Sends a frame to all members of this node. */
  publish(text: string): void
  /** Sends a frame to one of them. */
  sendTo(membership: Membership, text: string): void
}

/** Who pays for what a client does. */
export interface Payer {
  /** What it said causes so many bytes to be sent, on top of its own. */
  charge(bytes: number): void
  /** It wants to join something: whether it may now, which is then counted. */
  mayJoin(): boolean
}

/** Who is told of a membership: the client, as its dialect speaks to it. */
export interface Holder {
  /** Whether there is a client to tell. */
  readonly isOpen: boolean
  /** Whether its client is away, and may come back for the membership. */
  readonly isHeld?: boolean
  /** What is published here reaches the client alone. */
  readonly topic: string
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  /** It is a member now; nothing of the room has reached the client yet. */
  onJoined(membership: Membership, ref: Ref): void
  /** Who pays for what its client does. */
  readonly payer: Payer
  /** Something was published to the client while somebody's buffer was filling, perhaps its own. */
  onPressure(): void
  /**
   * Another connection, here or elsewhere, holds the membership now: this one has nothing to say in the room any more.
   * `isLogged`: all that was in the room before was shown, and nothing else.
   */
  onTakenOver(membership: Membership, by: Member, isLogged: boolean): void
  /** Another member of the same identity has taken its place: it is none any more, and shall not come back for it. */
  onReplaced(membership: Membership): void
  /** Its time in the room is over: the client is told, and leaves. */
  onExpired(membership: Membership): void
  /** A relay of this member did not reach its target. */
  onRelayFailed(ref: Ref, failure: RelayFailure): void
}

/** Keeps the frames sent to a member, in order, until its client has them. */
export interface SentLog {
  push(text: string): void
}

/** See the head of this file. */
export class Membership {
  readonly room: JoinedRoom
  readonly peer: PeerId
  readonly generation: number
  /** Another one once its client, who comes from elsewhere, has caught up. */
  holder: Holder
  /** The status as the store has it, and the command that set it. */
  status: StatusText
  statusRev: number
  /** Where another connection of the same client may take it over: what was sent to it. */
  log: SentLog | undefined = undefined
  /** What the store keeps so that it can be taken over at another node. */
  proof: string | undefined = undefined

  /** @param generation another one for each membership of this node; see Member.generation */
  constructor(room: JoinedRoom, peer: PeerId, generation: number, holder: Holder, status: StatusText) {
    this.room = room
    this.peer = peer
    this.generation = generation
    this.holder = holder
    this.status = status
    this.statusRev = generation
  }

  /** When it began its way in, unix milliseconds. Not a field: with one field more, each takes 32 bytes more. */
  get joinedAt(): number {
    return timeOf(this.generation)
  }

  /** Whether it is a member now: no longer on its way in, not yet on its way out. */
  get isIn(): boolean {
    return this.room.here.get(this.peer) === this
  }

  /** What whoever let it in has to say of it. */
  get grant(): Grant | undefined {
    return undefined
  }

  /** Whether it may send to others. */
  get maySend(): boolean {
    return true
  }

  /** It is in: its time begins. */
  begin(_clock: Clock): void {}

  /** It is in no longer. */
  end(): void {}
}

/** 2^30 ms, 12 days: a timer takes no more than 2^31 ms; a longer time is waited for in parts. */
const MOST_WAIT_MS = 2 ** 30

/** One of which there is something to say. Apart, as most servers have none and a field more in each costs memory. */
class GrantedMembership extends Membership {
  readonly #grant: Grant
  readonly #maySend: boolean
  #cancel: (() => void) | undefined

  constructor(...[grant, ...rest]: [Grant, ...ConstructorParameters<typeof Membership>]) {
    super(...rest)
    this.#grant = grant
    this.#maySend = may(grant, "send")
  }

  override get grant(): Grant {
    return this.#grant
  }

  override get maySend(): boolean {
    return this.#maySend
  }

  override begin(clock: Clock): void {
    const { until } = this.#grant
    if (until === undefined) return
    const left = Math.max(0, until - clock.unixMs())
    this.#cancel = clock.after(Math.min(left, MOST_WAIT_MS), () => {
      if (left > MOST_WAIT_MS) this.begin(clock)
      else this.holder.onExpired(this)
    })
  }

  override end(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}

/** A membership; with a grant, if there is anything to say of it. */
export function makeMembership(grant: Grant | undefined, ...its: ConstructorParameters<typeof Membership>): Membership {
  return grant === undefined ? new Membership(...its) : new GrantedMembership(grant, ...its)
}
