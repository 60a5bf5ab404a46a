// A peer's status: an object the client describes itself with. Past this file it is JSON text, written once by
// the peer's own node and passed on as it is. Objects here have no prototype, so `__proto__` is a key as any other.

import * as v from "valibot"
import type { StatusText } from "../../rooms/room-store.ts"
import type { ErrorId } from "./errors.ts"

/** The status of a peer that gave none. palava-client reads `status.user_agent` and would throw on undefined. */
export const EMPTY_STATUS: StatusText = "{}"

/** 4 KiB of JSON: a name and flags are far below it, and a room of 50 stays below 256 KiB in one `joined_room`. */
export const STATUS_BYTES = 4096

/** 50 characters (code points), as in palava-machine and signaltower. */
const NAME_CHARACTERS = 50

/** An object as JSON knows it: not null, not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** Whether `text` has more than `limit` code points; looks at no more of it than needed. */
export function isLongerThan(text: string, limit: number): boolean {
  if (text.length <= limit) return false
  if (text.length > limit * 2) return true
  let count = 0
  for (const _ of text) if (++count > limit) return true
  return false
}

/** Checks by key; `null` removes a key and is checked by nobody. Each issue's message is the error id. */
const NAME = v.nullish(
  v.pipe(
    v.string("blank_name"),
    v.check((name) => name.trim() !== "", "blank_name"),
    v.check((name) => !isLongerThan(name, NAME_CHARACTERS), "name_too_long"),
  ),
)
const USER_AGENT = v.nullish(
  v.pipe(
    v.string("invalid_user_agent"),
    v.check((agent) => agent !== "" && !isLongerThan(agent, NAME_CHARACTERS), "invalid_user_agent"),
  ),
)
/** Only `isObject` goes over the whole value: valibot's own object schemas drop keys such as `__proto__`. */
const STATUS = v.pipe(
  v.custom<Record<string, unknown>>(isObject, "invalid_status"),
  v.check((status) => isSmall(JSON.stringify(status)), "invalid_status"),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const { name, user_agent: agent } = dataset.value
    const issue =
      (name !== undefined && v.safeParse(NAME, name).issues?.[0]) || v.safeParse(USER_AGENT, agent).issues?.[0]
    if (issue) addIssue({ message: issue.message })
  }),
)

/**
 * Checks what a client gave as its status (protocol.md, "Status").
 * @returns undefined when it may be used, else the error id to answer with
 */
export function refuseStatus(status: unknown): ErrorId | undefined {
  return v.safeParse(STATUS, status, { abortPipeEarly: true }).issues?.[0].message as ErrorId | undefined
}

/**
 * Merges a checked change into a status: a key that is given replaces the old value, one given as `null` is removed.
 * @returns the whole new status, or undefined when it would be over STATUS_BYTES
 */
export function mergeStatus(old: StatusText, change: Record<string, unknown>): StatusText | undefined {
  const merged: Record<string, unknown> = Object.create(null)
  if (old !== EMPTY_STATUS) copyKeys(JSON.parse(old), merged)
  copyKeys(change, merged)
  const text = JSON.stringify(merged)
  return isSmall(text) ? text : undefined
}

/** Whether a text is a whole status, as `mergeStatus` writes it. */
export function isStatusText(text: string): boolean {
  try {
    return isSmall(text) && isObject(JSON.parse(text))
  } catch {
    return false
  }
}

function copyKeys(from: Record<string, unknown>, to: Record<string, unknown>): void {
  for (const key of Object.keys(from)) {
    if (from[key] === null) delete to[key]
    else to[key] = from[key]
  }
}

function isSmall(text: string): boolean {
  return text.length <= STATUS_BYTES && Buffer.byteLength(text) <= STATUS_BYTES
}
