// Every way to say no: the error events a client may get (protocol.md, "Errors") and the close codes
// (protocol.md, "Close codes"). Ids and codes are part of the wire contract: add, never change.

/** Error id to its text, in the order in which the checks of one request take precedence. */
export const ERRORS = {
  invalid_message: "invalid message",
  no_event: "no event given",
  unknown_event: "unknown event",
  no_room_id: "no room id given",
  room_id_too_long: "room id too long",
  already_joined: "already joined another room",
  room_full: "room is full",
  not_in_room: "currently not in any room",
  unknown_peer: "unknown peer",
  raw_data: "cannot send raw data",
  event_not_allowed: "event not allowed",
  invalid_status: "invalid status",
  blank_name: "blank name not allowed",
  name_too_long: "name too long",
  invalid_user_agent: "unknown user agent",
  unauthorized: "not authorized",
  rate_limited: "too many messages",
  peer_unreachable: "peer unreachable",
  unavailable: "service unavailable, try again",
  internal: "internal error",
} as const

/** A stable, snake_case error id of the protocol. */
export type ErrorId = keyof typeof ERRORS

/** The text for JSON that is not an object; it shares its id with JSON that cannot be read. */
export const NOT_A_HASH = "invalid message: not a hash"

/**
 * Why the server parts from a client. 4000-4499 may come back, 4500-4999 stay away. Bun itself closes with 1002
 * (malformed frame), 1007 (a text frame that is not UTF-8, RFC 6455 section 8.1) and 1009 (frame over the limit).
 */
export const CLOSE = {
  goingAway: { code: 1001, reason: "server shuts down" },
  binaryFrame: { code: 1003, reason: "binary frame where text is spoken" },
  internal: { code: 1011, reason: "internal error" },
  serverFull: { code: 1013, reason: "server is full, try again later" },
  tooSlow: { code: 1013, reason: "too slow a reader" },
  silent: { code: 4008, reason: "pings unanswered" },
  rateLimited: { code: 4029, reason: "too many messages" },
  unauthorized: { code: 4501, reason: "not authorized" },
} as const

/** A close code and the reason sent with it. */
export interface Close {
  /** RFC 6455 section 7.4, or one of ours above 4000. */
  readonly code: number
  /** At most 123 bytes (RFC 6455 section 5.5). */
  readonly reason: string
}

/** A store command that cannot be answered now; temporary. Clients get `unavailable`. */
export class StoreUnavailable extends Error {
  override name = "StoreUnavailable"
}
