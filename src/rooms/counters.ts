// What the rooms of this node have counted since its start, as plain numbers: adding one costs the hot path an
// increment, and telemetry reads them when somebody asks.

import { Durations } from "../durations.ts"

/** Totals since the start of the node, unless a comment says otherwise. */
export interface RoomCounters {
  relaysLocal: number
  relaysRemote: number
  /** Relays of other nodes that reached nobody: the target is gone or the sender no member. */
  relaysDropped: number
  /** Of what was sent to members by topic, times the members it was for; a character counts as one. */
  bytesSent: number
  /** How long commands took, those that were given up too: from the client's word to the store's. */
  readonly times: Readonly<Record<"join" | "leave" | "status", Durations>>
  joins: number
  /** Status changes that the room was not told of, as a later one of the same member took their place. */
  statusesCoalesced: number
  leaves: number
  /** Members of this node in whose place another of the same identity is. */
  replaced: number
  roomsOpened: number
  roomsClosed: number
  /** Times a gap in a room's log was repaired by a snapshot. */
  gapsRepaired: number
  /** Times live members of this node, whom the log had lost, were claimed back. */
  reclaims: number
  /** Told of each closed room: most members, milliseconds open. */
  onRoomClosed: (peak: number, openMs: number) => void
}

/** All at zero. */
export function makeRoomCounters(): RoomCounters {
  return {
    relaysLocal: 0,
    relaysRemote: 0,
    relaysDropped: 0,
    bytesSent: 0,
    times: { join: new Durations(), leave: new Durations(), status: new Durations() },
    joins: 0,
    statusesCoalesced: 0,
    leaves: 0,
    replaced: 0,
    roomsOpened: 0,
    roomsClosed: 0,
    gapsRepaired: 0,
    reclaims: 0,
    onRoomClosed: () => {},
  }
}
