// One peer in one room at this node: who it is there, since when, and who is told of it. Its room changes it, and nobody
// else.

import type { RoomEncoder } from "./encoder.ts"
import type { PeerId, RoomKey } from "./ids.ts"
import { timeOf } from "./numbers.ts"
import type { PeerList } from "./peer-list.ts"
import type { Member, Ref, RelayFailure, StatusText } from "./room-store.ts"

/** A room as those in it see it; room.ts is the one there is. */
export interface JoinedRoom {
  readonly key: RoomKey
  /** How its events read on the wire. */
  readonly encoder: RoomEncoder
  /** The topic of what is for all its members at this node. */
  readonly topic: string
  /** All members, oldest first, as the log says. */
  readonly members: ReadonlyMap<PeerId, Member>
  /** Those of this node. */
  readonly here: Pick<PeerList<Membership>, "get" | "has" | "size" | "values">
  /** Whether a message can be sent to this peer. */
  isMember(peer: unknown): peer is PeerId
  /** Sends a frame to all members of this node. */
  publish(text: string): void
  /** Sends a frame to one of them. */
  sendTo(membership: Membership, text: string): void
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
  /** What its client said causes so many bytes to be sent, on top of its own. */
  charge(bytes: number): void
  /** Its client wants to join something: whether it may now, which is then counted. */
  mayJoin(): boolean
  /** Something was published to the client while somebody's buffer was filling, perhaps its own. */
  onPressure(): void
  /** Another connection, here or elsewhere, holds the membership now: this one has nothing to say in the room any more. */
  onTakenOver(membership: Membership): void
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
  readonly holder: Holder
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
}
