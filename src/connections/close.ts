// How the server parts from a client: the close codes (protocol.md, "Close codes"). Codes are part of the wire contract:
// add, never change.

/**
 * Why the server parts from a client. 4000-4499 may come back, 4500-4999 stay away. Bun itself closes with 1002
 * (malformed frame), 1007 (a text frame that is not UTF-8, RFC 6455 section 8.1) and 1009 (frame over the limit).
 */
export const CLOSE = {
  goodbye: { code: 1000, reason: "the client said goodbye" },
  goingAway: { code: 1001, reason: "server shuts down" },
  protocol: { code: 1002, reason: "protocol error" },
  binaryFrame: { code: 1003, reason: "binary frame where text is spoken" },
  tooLarge: { code: 1009, reason: "frame too large" },
  internal: { code: 1011, reason: "internal error" },
  serverFull: { code: 1013, reason: "server is full, try again later" },
  roomFull: { code: 1013, reason: "room is full, try again later" },
  identityInRoom: { code: 1013, reason: "this identity is in the room already" },
  unavailable: { code: 1013, reason: "service unavailable, try again" },
  tooSlow: { code: 1013, reason: "too slow a reader" },
  silent: { code: 4008, reason: "pings unanswered" },
  rateLimited: { code: 4029, reason: "too many messages" },
  neverJoined: { code: 4429, reason: "in no room, come back for one" },
  unauthorized: { code: 4501, reason: "not authorized" },
  removed: { code: 4503, reason: "removed by an operator" },
  replaced: { code: 4510, reason: "replaced by a later join of the same identity" },
  takenOver: { code: 4509, reason: "taken over by another connection" },
} as const

/** What a connection ends with that broke: no close frame has come (RFC 6455 section 7.1.5). No frame carries it. */
export const BROKEN = 1006

/** A close code and the reason sent with it. */
export interface Close {
  /** RFC 6455 section 7.4, or one of ours above 4000. */
  readonly code: number
  /** At most 123 bytes (RFC 6455 section 5.5). */
  readonly reason: string
}
