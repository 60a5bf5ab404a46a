// What the connections of this node have counted since its start, as plain numbers: adding one costs the hot path an
// increment, and telemetry reads them when somebody asks.

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
  }
}
