// What two nodes say to each other when a member goes from one to the other: a line of JSON, and with a log, behind it, the
// frames, one after the other. The line says in which format: a node of another release may write another one, which is
// heard as far as it says whom it is about, and means that the log cannot be had.

import * as v from "valibot"
import type { PeerId } from "../../rooms/ids.ts"
import type { Position, StatusText } from "../../rooms/room-store.ts"
import { readObject } from "../json.ts"
import type { PackedResumption } from "./resumption.ts"

/** Another one for every change that a node of before would misread. */
const FORMAT = 1

/** Which membership: `generation` is the one it has at the node to which it goes. */
interface About {
  readonly peer: PeerId
  readonly generation: number
}

/** A resumption, up to this place of the room's log. */
export interface PackedLog extends PackedResumption {
  readonly at: Position
  /** The status that the client has asked for, where the store has not taken it over. */
  readonly status?: StatusText | undefined
}

/** See the head of this file. */
export type HandOverMessage =
  /** From the node of before to the next: the log will come. */
  | (About & { readonly kind: "coming" })
  /** From the node of before to each with members in the room: answer when nothing goes to that member here any more. */
  | (About & { readonly kind: "ask"; readonly at: Position })
  /** The answer, behind all that went to it. */
  | (About & { readonly kind: "answer" })
  /** From the node of before to the next; without a log, something is missing in it. */
  | (About & { readonly kind: "log"; readonly packed: PackedLog | undefined })
  /** Whatever another release says. */
  | (About & { readonly kind: "unknown" })

const COUNT = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const POSITION = v.object({ epoch: v.string(), seq: COUNT })
const ABOUT = v.object({ peer: v.string(), generation: COUNT })
const KNOWN = { ...ABOUT.entries, format: v.literal(FORMAT) }
const PACKED = v.object({
  at: POSITION,
  received: COUNT,
  sent: COUNT,
  lengths: v.array(COUNT),
  isExact: v.boolean(),
  anewFor: v.optional(v.string()),
  status: v.optional(v.string()),
})
const MESSAGE = v.variant("kind", [
  v.object({ ...KNOWN, kind: v.literal("coming") }),
  v.object({ ...KNOWN, kind: v.literal("ask"), at: POSITION }),
  v.object({ ...KNOWN, kind: v.literal("answer") }),
  v.object({ ...KNOWN, kind: v.literal("log"), packed: v.optional(PACKED) }),
])

/** As it travels. */
export function writeHandOver(message: Exclude<HandOverMessage, { kind: "unknown" }>): string {
  if (message.kind !== "log" || message.packed === undefined) return JSON.stringify({ format: FORMAT, ...message })
  const { frames, ...packed } = message.packed
  const line = { format: FORMAT, ...message, packed: { ...packed, lengths: frames.map(({ length }) => length) } }
  return `${JSON.stringify(line)}\n${frames.join("")}`
}

/** Reads one; undefined when it does not even say whom it is about. Never throws. */
export function readHandOver(text: string): HandOverMessage | undefined {
  const end = text.indexOf("\n")
  const line = readObject(end < 0 ? text : text.slice(0, end))
  const about = v.safeParse(ABOUT, line)
  if (!about.success) return undefined
  const { peer, generation } = about.output as About
  const unknown = { kind: "unknown", peer, generation } as const
  const parsed = v.safeParse(MESSAGE, line)
  if (!parsed.success) return unknown
  const message = parsed.output
  if (message.kind === "ask") return { kind: message.kind, peer, generation, at: message.at }
  if (message.kind !== "log") return { kind: message.kind, peer, generation }
  if (message.packed === undefined) return { kind: "log", peer, generation, packed: undefined }
  const { lengths, anewFor, status, ...packed } = message.packed
  let at = end + 1
  const frames = lengths.map((length) => {
    at += length
    return text.slice(at - length, at)
  })
  return at === text.length
    ? { kind: "log", peer, generation, packed: { ...packed, anewFor, status, frames } }
    : unknown
}
