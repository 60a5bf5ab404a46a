// What one source says for one option, and the checked value that becomes of it.

import * as v from "valibot"
import { type OptionName, optionOf } from "./options.ts"

/** What a source gives for an option, and how to name the place in a message. */
export interface Given {
  readonly texts: readonly string[]
  readonly place: string
}

/** The checked value; after a mistake the default, so that the other checks can go on. */
export function readValue(name: OptionName, { texts, place }: Given, mistakes: string[]): unknown {
  const { schema, default: fallback, isList = false, shown } = optionOf(name)
  const values: unknown[] = []
  for (const text of texts) {
    const result = v.safeParse(schema, text, { abortPipeEarly: true })
    if (result.success) values.push(result.output)
    else
      mistakes.push(
        `${place}: ${result.issues[0].message}${shown !== undefined ? "" : `, but is "${text.slice(0, 200)}"`}`,
      )
  }
  if (isList) return values
  if (texts.length > 1) mistakes.push(`${place}: takes one value, but has ${texts.length}`)
  return values[0] ?? fallback
}

/** One line a person can read, from whatever was thrown. */
export function firstSentence(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (message.startsWith("ENOENT")) return "no such file"
  if (message.startsWith("EACCES")) return "permission denied"
  if (message.startsWith("EISDIR")) return "is a directory"
  return message.split(/\n|\. /)[0] ?? message
}
