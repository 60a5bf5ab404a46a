// What an access token says (RFC 7519), once its signature and its times have been checked: which rooms, until when, and
// what its bearer is there.

import * as v from "valibot"

/** What a member may be allowed to do. */
export const RIGHTS = ["send", "status", "lock"] as const

/** 1,000 UTF-16 units: the longest name of a room in any dialect. */
const ROOM_CHARACTERS = 1_000

/** 64 rooms: more are better said by a prefix. */
const MOST_ROOMS = 64

/** 256 UTF-16 units: an address of e-mail or an id of any account fits. */
const SUBJECT_CHARACTERS = 256

/** 50 characters (code points), as in protocol.md. */
const NAME_CHARACTERS = 50

const ROOM = v.pipe(v.string(), v.nonEmpty(), v.maxLength(ROOM_CHARACTERS))

const CLAIMS = v.object({
  room: v.union([ROOM, v.pipe(v.array(ROOM), v.nonEmpty(), v.maxLength(MOST_ROOMS))]),
  exp: v.pipe(v.number(), v.finite()),
  sub: v.optional(v.pipe(v.string(), v.nonEmpty(), v.maxLength(SUBJECT_CHARACTERS))),
  name: v.optional(
    v.pipe(
      v.string(),
      v.check((name) => name.trim() !== "" && [...name].length <= NAME_CHARACTERS),
    ),
  ),
  peers: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  can: v.optional(v.array(v.picklist(RIGHTS))),
})

/** The claims of a token that the server heeds. */
export interface Claims {
  /** Names of rooms, or with `*` at the end how they begin. */
  readonly rooms: readonly string[]
  /** Unix seconds. */
  readonly exp: number
  /** Who its bearer is. */
  readonly sub?: string | undefined
  /** What its bearer is called. */
  readonly name?: string | undefined
  /** Most members of a room for its bearer to come in. */
  readonly peers?: number | undefined
  /** All its bearer may do there; all but lock, when there is none. */
  readonly can?: readonly (typeof RIGHTS)[number][] | undefined
}

/** The claims in a payload; undefined when one is not what it has to be: then nobody knows what was meant. */
export function readClaims(payload: unknown): Claims | undefined {
  const result = v.safeParse(CLAIMS, payload)
  if (!result.success) return undefined
  const { room, ...rest } = result.output
  return { ...rest, rooms: typeof room === "string" ? [room] : room }
}
