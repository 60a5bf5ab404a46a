// THE contract between this node and whatever keeps the rooms: commands go down (RoomStore), events come up
// (RoomListener). The memory store and the Redis store pass one conformance suite; nothing above knows which it is.
//
// A room is an ordered log. Every change (join, leave, status), and every frame published to a room, gets the room's
// next seq in one atomic step that also announces it. If changing and announcing were separate, a peer joining in
// between would neither be in our reply nor hear of us, and the two would never call.

import type { NodeId, PeerId, RoomKey } from "./ids.ts"

/** What a peer's dialect says of it to the others, as JSON text: written once by the peer's own node, passed on unread. */
export type StatusText = string

/** What the sender of a message called it; comes back with its failure. */
export type Ref = string | number | undefined

/** Why a relay did not reach its target: its node does not answer, or the store stayed away. */
export type RelayFailure = "peer_unreachable" | "unavailable"

/** A store command that cannot be answered now; temporary. */
export class StoreUnavailable extends Error {
  override name = "StoreUnavailable"
}

/** One peer's membership in a room. */
export interface Member {
  readonly peer: PeerId
  /** The node that holds the peer's connection. */
  readonly node: NodeId
  /** Tells this membership from any other of the same peer. The later one has the higher number. */
  readonly generation: number
  /** Number of the last command of this membership that had an effect: a repeated command has none. */
  readonly rev: number
  readonly status: StatusText
  /** Generation it was born with, where it has been taken over since: then it is still the same membership. */
  readonly born?: number | undefined
  /** Whose it is, where one identity may be in a room once; see toMark. */
  readonly mark?: string | undefined
}

/** A member of this node, as the node tells the store of it. */
export interface OwnMember extends Member {
  /** What proves that it may be taken over; see JoinRequest. */
  readonly proof?: string | undefined
}

/** A place in a room's log. `epoch` is random at the room's birth, so two lives of one room are never mixed up. */
export interface Position {
  readonly epoch: string
  /** 1 for the first event of the epoch, then one more each. */
  readonly seq: number
}

/** Whom a frame of a member is for: all members, or all but the one who published it. */
export type Audience = "all" | "others"

/** Whether nobody new comes into a room, and by which command: of two the one with the higher number counts. */
export interface Lock {
  readonly isLocked: boolean
  readonly rev: number
}

/** One entry of a room's log. */
export type RoomEvent =
  | (Position & { readonly kind: "joined"; readonly member: Member })
  | (Position & {
      readonly kind: "left"
      readonly peer: PeerId
      readonly generation: number
      /** Another member of the same identity is in its place: its node does not claim it back. */
      readonly isReplaced?: boolean
    })
  | (Position & { readonly kind: "status"; readonly peer: PeerId; readonly rev: number; readonly status: StatusText })
  /** Another connection, here or elsewhere, holds the membership of this peer now; to the other members it is the same. */
  | (Position & { readonly kind: "moved"; readonly member: Member })
  /**
   * Published to the room by a member: changes nothing but the room's lock, where it tells of one. Whoever misses it does not
   * get it from a snapshot.
   */
  | (Position & {
      readonly kind: "frame"
      readonly peer: PeerId
      readonly text: string
      readonly to: Audience
      readonly lock?: Lock
    })

/** A room as it stands at a position. A room that does not exist has no members and seq 0. */
export interface RoomSnapshot extends Position {
  /** Oldest first. */
  readonly members: readonly Member[]
}

/** What a join needs. Joining again with the same peer, node and generation changes nothing and answers as the first time. */
export interface JoinRequest {
  readonly room: RoomKey
  readonly peer: PeerId
  readonly generation: number
  readonly rev: number
  readonly status: StatusText
  /** Most members the room may have with this one. */
  readonly limit: number
  /**
   * When there is another membership of this peer: it leaves, announced before the join; or it is taken over, announced
   * as "moved", and nobody sees a difference; or the join is refused.
   */
  readonly ifTaken: "leave" | "takeOver" | "refuse"
  /**
   * `next` is kept with the member, and shown to nobody: one word, or several with a space between, of which each proves at a
   * later take-over that the client is the same. `given`: only the membership with that word is taken over, and keeps its
   * status; else the join is unproven.
   */
  readonly proof?: { readonly next: string; readonly given?: string } | undefined
  /** Where its identity may be in the room once: what becomes of this join, or of the other member, when there is one. */
  readonly identity?: { readonly mark: string; readonly ifThere: "refuse" | "replace" } | undefined
  /** Whether the answer shall carry the room: needed by a node that has no replica of it yet. */
  readonly withSnapshot: boolean
}

/** The answer to a join: where its event stands in the log, or a refusal. */
export type JoinResult =
  | { readonly kind: "joined"; readonly position: Position; readonly snapshot: RoomSnapshot | undefined }
  | { readonly kind: "full" }
  | { readonly kind: "taken" }
  | { readonly kind: "locked" }
  | { readonly kind: "identity_in_room" }
  | { readonly kind: "unproven" }

/** What is known of a proof: it is one, none, or that of a membership which another of the same identity has replaced. */
export type Proven = boolean | "replaced"

/** 3,600 s: a client may come back for so long at most (--resume-seconds), and is told then that it was replaced. */
export const REPLACED_SECONDS = 3_600

/** A message of one member to another on another node. */
export interface Relay {
  readonly room: RoomKey
  readonly from: PeerId
  readonly to: PeerId
  /** The ready-made frame for the target's socket. */
  readonly text: string
  /** What its sender knew of the room's log: it is for after that, also where it comes by another way than the log. */
  readonly after?: Position | undefined
}

/**
 * Commands. Every one of them is safe to repeat. Those that return a promise reject with StoreUnavailable when the
 * backend stayed away for the bounded wait; the outcome is then unknown, and onResync settles it later.
 */
export interface RoomStore {
  /** This node, as members are marked with it. */
  readonly node: NodeId
  /** Connects and begins to call `listener`. Resolves when commands can be answered. */
  start(listener: RoomListener): Promise<void>
  /** Adds a member and announces it. */
  join(request: JoinRequest): Promise<JoinResult>
  /** Replaces the proof of a member of this node; false when it is none. */
  prove(room: RoomKey, peer: PeerId, generation: number, proof: string): Promise<boolean>
  /** Whether there is a membership that this word proves. */
  isProven(room: RoomKey, peer: PeerId, given: string): Promise<Proven>
  /** Removes a member of this generation and announces it; undefined when it was no member. Relays sent before arrive before. */
  leave(room: RoomKey, peer: PeerId, generation: number): Promise<Position | undefined>
  /** Replaces a member's status and announces it; undefined when it is no member or `rev` is not newer. */
  updateStatus(room: RoomKey, peer: PeerId, rev: number, status: StatusText): Promise<Position | undefined>
  /**
   * Publishes a ready-made frame of a member to the room, its own node included, in the order of the log; undefined when
   * it is no member or `rev` is not newer. With `lock` the room is locked in the same step, or is not any more: a locked room
   * takes nobody new, until its last member has left. A store that knows at once says so at once, its event told: rooms that are full
   * of publishes then take no promise for each.
   */
  publish(
    room: RoomKey,
    peer: PeerId,
    rev: number,
    text: string,
    to: Audience,
    lock?: boolean,
  ): Position | undefined | Promise<Position | undefined>
  /**
   * Passes a message to a member on `node`; never waits. A failure comes back as onRelayFailed with `ref`. Without `after` it
   * goes the way of the room's log.
   */
  relay(node: NodeId, relay: Relay, ref: Ref): void
  /**
   * The nodes that live, each with the milliseconds until the others take it for dead unless it is heard of again; without
   * end where there are no others. Answered at once or not at all: rejects with StoreUnavailable.
   */
  nodes(): Promise<ReadonlyMap<NodeId, number>>
  /** The room as it stands. */
  snapshot(room: RoomKey): Promise<RoomSnapshot>
  /**
   * Makes this node's members in the room exactly `own` (by peer and generation; a newer rev brings its status, another proof is kept), announcing
   * what changes; it may pass the room's limit, for a place once given is kept. Whoever is a member at another node by now
   * is left there, as the answer shows. A room that was lost is born again with `own` and `others` (members on other nodes
   * as this node knows them, which those nodes confirm in generation), and locked as this node knows it was (`lock`),
   * unless the store knows of a newer lock. Of members with one mark the latest stays: an own one before another is not added, others before it leave.
   */
  restore(room: RoomKey, own: readonly OwnMember[], others: readonly Member[], lock?: Lock): Promise<RoomSnapshot>
  /**
   * Gives the backend up, after at most `withinMs` milliseconds. Nothing is called back after it.
   * @param keepsMembers whether members of this node stay, for their clients to come back at another one in time
   */
  close(withinMs: number, keepsMembers?: boolean): Promise<void>
}

/** What a store tells the node above it. */
export interface RoomListener {
  /** A room's log, in order; a gap or another epoch means events were missed. Comes for rooms with members here. */
  onRoomEvent(room: RoomKey, event: RoomEvent): void
  /** A message for a member here; unless it has a place in the log (`after`), in order with the events of its room. */
  onRelay(relay: Relay): void
  /** This relay did not reach its target. */
  onRelayFailed(relay: Relay, ref: Ref, failure: RelayFailure): void
  /** This node's command made a room that was not there. */
  onRoomOpened(room: RoomKey): void
  /** This node removed a member of a dead node, which had been in the room for `stayedMs` milliseconds. */
  onSwept(room: RoomKey, peer: PeerId, stayedMs: number): void
  /** This node's command removed the last member; `peak` members at most, open for `openMs` milliseconds. */
  onRoomClosed(room: RoomKey, peak: number, openMs: number): void
  /** Events and members may have been lost: restore every room that has members here. Commands wait for its end. */
  onResync(): Promise<void>
}
