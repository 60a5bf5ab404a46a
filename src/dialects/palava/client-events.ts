// What a browser may say (protocol.md, "Client to server"): one schema per event, and the decoder from frame to
// envelope. Each issue's message is the error id to answer with. What depends on the room (is the status fine,
// may this be relayed) is asked later, in the order of the error table: relayData and refuseStatus.

import * as v from "valibot"
import type { Ref } from "../../rooms/room-store.ts"
import { FRAME_LEVELS, isDeeperThan } from "../json.ts"
import { ERRORS, type ErrorId, NOT_A_HASH } from "./errors.ts"
import { RELAY_EVENTS } from "./relay-events.ts"
import { isLongerThan, isObject } from "./status.ts"

/** 50 characters (code points), as in palava-machine. */
const ROOM_ID_CHARACTERS = 50

/** 64 characters: room for a UUID with a prefix; a longer one is the client's memory, not ours to carry. */
const REF_CHARACTERS = 64

/** How many frames of the other side have come. */
const RECEIVED = v.pipe(v.number("invalid_message"), v.safeInteger("invalid_message"), v.minValue(0, "invalid_message"))

/** One schema per event the core knows; plug-ins bring schemas of their own. */
export const CLIENT_EVENTS = {
  // The object's own message is for a missing key: valibot does not ask the key's schema then.
  join_room: v.object(
    {
      room_id: v.pipe(
        v.string("no_room_id"),
        v.nonEmpty("no_room_id"),
        v.check((id) => !isLongerThan(id, ROOM_ID_CHARACTERS), "room_id_too_long"),
      ),
      status: v.optional(v.unknown()),
      resume: v.optional(v.unknown()),
      token: v.optional(v.unknown()),
    },
    "no_room_id",
  ),
  resume: v.object({ token: v.optional(v.unknown()), received: RECEIVED }, "invalid_message"),
  leave_room: v.object({}),
  lock_room: v.object({}),
  unlock_room: v.object({}),
  send_to_peer: v.object({ peer_id: v.optional(v.unknown()), data: v.optional(v.unknown()) }),
  update_status: v.object({ status: v.optional(v.unknown()) }),
  ping: v.object({ received: v.optional(v.unknown()) }),
} as const

/** The name of an event the core knows. */
export type ClientEventName = keyof typeof CLIENT_EVENTS

/** The checked fields of one client event. */
export type ClientEvent<Name extends ClientEventName> = v.InferOutput<(typeof CLIENT_EVENTS)[Name]>

/** The `data` of `send_to_peer`: any object whose `event` is one of RELAY_EVENTS. */
const RELAY_DATA = v.pipe(
  v.custom<Record<string, unknown>>(isObject, "raw_data"),
  v.check((data) => RELAY_EVENTS.includes(data["event"] as string), "event_not_allowed"),
)

/** A frame that is a JSON object with an event, its fields not yet checked. */
export interface Envelope {
  readonly event: string
  readonly ref: Ref
  readonly fields: Record<string, unknown>
}

/** A refusal: the error id, its text, and the `ref` of the request. */
export interface Refusal {
  readonly error: ErrorId
  readonly message: string
  readonly ref: Ref
}

/** Reads a text frame: an Envelope, or the Refusal to answer with. Never throws. */
export function decodeFrame(text: string): Envelope | Refusal {
  let frame: unknown
  try {
    frame = JSON.parse(text)
  } catch {
    return refuse("invalid_message", undefined)
  }
  if (!isObject(frame)) return { error: "invalid_message", message: NOT_A_HASH, ref: undefined }
  if (isDeeperThan(frame, FRAME_LEVELS)) return refuse("invalid_message", undefined)
  const ref = readRef(frame["ref"])
  const event = frame["event"]
  if (typeof event !== "string") return refuse("no_event", ref)
  return { event, ref, fields: frame }
}

/** The checked fields of `envelope` as event `name`, or the Refusal. */
export function checkFields<Name extends ClientEventName>(name: Name, envelope: Envelope): ClientEvent<Name> | Refusal {
  const result = v.safeParse(CLIENT_EVENTS[name], envelope.fields, { abortEarly: true })
  if (result.success) return result.output as ClientEvent<Name>
  return refuse(result.issues[0].message as ErrorId, envelope.ref)
}

/** Whether `data` may be relayed: undefined, or the error id. */
export function refuseRelayData(data: unknown): ErrorId | undefined {
  return v.safeParse(RELAY_DATA, data, { abortPipeEarly: true }).issues?.[0].message as ErrorId | undefined
}

/** How many frames the client says it has, if that is a number of frames. */
export function readReceived(received: unknown): number | undefined {
  const result = v.safeParse(RECEIVED, received)
  return result.success ? result.output : undefined
}

/** A Refusal with the text of the error table. */
export function refuse(error: ErrorId, ref: Ref): Refusal {
  return { error, message: ERRORS[error], ref }
}

/** Tells a Refusal from what was asked for. */
export function isRefusal(value: object): value is Refusal {
  return "error" in value
}

/** A `ref` of another type or over 64 characters is no ref: the answer goes without it. */
function readRef(ref: unknown): Ref {
  if (typeof ref === "string") return isLongerThan(ref, REF_CHARACTERS) ? undefined : ref
  return typeof ref === "number" && Number.isFinite(ref) ? ref : undefined
}

/** 4,096 characters: a longer message is not read for its `ref` alone, as to refuse has to cost less than to serve. */
const REFUSED_CHARACTERS = 4_096

/** The `ref` of a message that is refused unread, where it is short. */
export function readRefusedRef(text: string): Ref {
  return text.length > REFUSED_CHARACTERS ? undefined : decodeFrame(text).ref
}
