// Every way to say no without parting: the error events a client may get (protocol.md, "Errors"). Ids are part of the
// wire contract: add, never change.

/** Error id to its text, in the order in which the checks of one request take precedence. */
export const ERRORS = {
  invalid_message: "invalid message",
  no_event: "no event given",
  unknown_event: "unknown event",
  no_room_id: "no room id given",
  room_id_too_long: "room id too long",
  already_joined: "already joined another room",
  not_in_room: "currently not in any room",
  unknown_peer: "unknown peer",
  raw_data: "cannot send raw data",
  event_not_allowed: "event not allowed",
  invalid_status: "invalid status",
  blank_name: "blank name not allowed",
  name_too_long: "name too long",
  invalid_user_agent: "unknown user agent",
  unauthorized: "not authorized",
  resume_failed: "cannot resume",
  room_full: "room is full",
  room_locked: "room is locked",
  identity_in_room: "this identity is in the room already",
  replaced: "replaced by a later join of the same identity",
  rate_limited: "too many messages",
  peer_unreachable: "peer unreachable",
  unavailable: "service unavailable, try again",
  internal: "internal error",
} as const

/** A stable, snake_case error id of the protocol. */
export type ErrorId = keyof typeof ERRORS

/** The text for JSON that is not an object; it shares its id with JSON that cannot be read. */
export const NOT_A_HASH = "invalid message: not a hash"

/** The text for a number of received frames that is none, or is beyond those that were sent. */
export const NOT_SENT = "invalid message: received is not a number of frames that were sent"
