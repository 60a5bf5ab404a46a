// What a plug-in imports besides types: the few functions that contract.ts declares.

import * as v from "valibot"
import { GRANT } from "../dialects/grant.ts"
import type * as contract from "./contract.ts"

/** The version of the contract this server keeps. */
export const CONTRACT = 1

/** Marks what definePlugin made, so a default export that is something else is told apart. */
const made = new WeakSet<object>()

export const definePlugin: typeof contract.definePlugin = (plugin) => {
  made.add(plugin)
  return plugin
}

export const onEvent: typeof contract.onEvent = (schema, handle) => ({ schema, handle })

export const refuse: typeof contract.refuse = (id, message = id.replaceAll("_", " ")) => {
  if (!/^[a-z][a-z0-9_]{0,49}$/.test(id)) throw new RangeError(`refuse: "${id}" must be in snake_case`)
  return new RefusalMade(id, message)
}

export const admit: typeof contract.admit = (grant) => {
  const result = v.safeParse(GRANT, grant, { abortEarly: true })
  if (!result.success) throw new RangeError(`admit: ${v.getDotPath(result.issues[0])}: ${result.issues[0].message}`)
  return new AdmissionMade(result.output as contract.Grant)
}

export const closeWith: typeof contract.closeWith = (code, reason) => {
  // RFC 6455 section 7.4: what an endpoint may send, and how long the reason may be.
  const isCode = (code >= 1000 && code <= 1013 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999)
  if (!isCode) throw new RangeError(`closeWith: ${code} is no close code, but 4000 to 4999 are`)
  if (Buffer.byteLength(reason) > 123) throw new RangeError("closeWith: the reason must have at most 123 bytes")
  return new ClosingMade(code, reason)
}

/** Whether `value` was made by definePlugin. */
export function isPlugin(value: unknown): value is contract.Plugin {
  return typeof value === "object" && value !== null && made.has(value)
}

/** Whether a hook said no; a class of ours, so no data of a plug-in is ever taken for it. */
export function isRefusal(value: unknown): value is contract.Refusal {
  return value instanceof RefusalMade
}

/** Whether a hook said yes, and more. */
export function isAdmission(value: unknown): value is contract.Admission {
  return value instanceof AdmissionMade
}

/** Whether a hook turned a connection away. */
export function isClosing(value: unknown): value is contract.Closing {
  return value instanceof ClosingMade
}

class RefusalMade implements contract.Refusal {
  readonly kind = "refusal"
  readonly id: string
  readonly message: string

  constructor(id: string, message: string) {
    this.id = id
    this.message = message
  }
}

class AdmissionMade implements contract.Admission {
  readonly kind = "admission"
  readonly grant: contract.Grant

  constructor(grant: contract.Grant) {
    this.grant = grant
  }
}

class ClosingMade implements contract.Closing {
  readonly kind = "closing"
  readonly code: number
  readonly reason: string

  constructor(code: number, reason: string) {
    this.code = code
    this.reason = reason
  }
}
