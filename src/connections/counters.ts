// What the connections of this node have counted since its start, as plain numbers: adding one costs the hot path an
// increment, and telemetry reads them when somebody asks.

/** What was refused, by what was used up: of one connection, or of all from its address. */
export type Refusal =
  | "messages"
  | "joins"
  | "bytes"
  | "address_messages"
  | "address_joins"
  | "address_bytes"
  | "address_connections"
  | "address_connects"
  | "address_requests"
  | "connections"
  | "open_files"

/** Totals since the start of the node. */
export interface ConnectionCounters {
  opened: number
  /** Frames of any kind that reached a connection. */
  framesReceived: number
  /** Of these frames, and of those sent to one client alone (rooms count theirs); a character counts as one. */
  bytesReceived: number
  bytesSent: number
  /** Closed by this node: the client did not answer pings, kept flooding, or read too slowly. */
  closedSilent: number
  closedRateLimited: number
  closedTooSlow: number
  /** The same, as its client was in no room for too long, and as others needed the place. */
  closedNeverJoined: number
  closedForRoom: number
  /** The same, as most of what the node may keep was kept for it. */
  closedForMemory: number
  readonly refused: Record<Refusal, number>
}

/** All at zero. */
export function makeConnectionCounters(): ConnectionCounters {
  return {
    opened: 0,
    framesReceived: 0,
    bytesReceived: 0,
    bytesSent: 0,
    closedSilent: 0,
    closedRateLimited: 0,
    closedTooSlow: 0,
    closedNeverJoined: 0,
    closedForRoom: 0,
    closedForMemory: 0,
    refused: {
      messages: 0,
      joins: 0,
      bytes: 0,
      address_messages: 0,
      address_joins: 0,
      address_bytes: 0,
      address_connections: 0,
      address_connects: 0,
      address_requests: 0,
      connections: 0,
      open_files: 0,
    },
  }
}
