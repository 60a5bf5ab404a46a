// What this node has counted since its start, as plain numbers: adding one costs the hot path an increment, and
// telemetry reads them when somebody asks.

import type { ErrorId } from "../dialects/palava/errors.ts"

/** Totals since the start of the node, unless a comment says otherwise. */
export class Counters {
  connectionsOpened = 0
  /** Frames of any kind that reached a session. */
  framesReceived = 0
  /** `send_to_peer` frames that went the short way; all other events are counted by name. */
  relayFrames = 0
  /** Client events by name; those nobody knows are under "other", so a client cannot make labels. */
  readonly events: Record<string, number> = Object.create(null)
  /** Error events by id; those of plug-ins that the protocol does not know are under "other". */
  readonly errors: Partial<Record<ErrorId | "other", number>> = Object.create(null)
  relaysLocal = 0
  relaysRemote = 0
  /** Relays of other nodes that reached nobody: the target is gone or the sender no member. */
  relaysDropped = 0
  joins = 0
  leaves = 0
  roomsOpened = 0
  roomsClosed = 0
  /** Times a hole in a room's log was repaired by a snapshot. */
  gapsHealed = 0
  /** Times live members of this node, whom the log had lost, were claimed back. */
  reclaims = 0
  /** Connections closed because the client did not answer pings, kept flooding, or read too slowly. */
  closedSilent = 0
  closedRateLimited = 0
  closedTooSlow = 0
  /** Told of each closed room: most members, milliseconds open. */
  onRoomClosed: (peak: number, openMs: number) => void = () => {}

  countEvent(name: string): void {
    this.events[name] = (this.events[name] ?? 0) + 1
  }

  countError(id: ErrorId | "other"): void {
    this.errors[id] = (this.errors[id] ?? 0) + 1
  }
}
