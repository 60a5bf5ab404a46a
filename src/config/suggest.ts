// What somebody may have meant by a name that is none: `--prot` is near to `--port`.

import { closest, distance } from "fastest-levenshtein"

/** Letters that may differ in a word of six or more; shorter words have one third of their letters, at least one. */
const MOST_TYPOS = 2

/** `: did you mean --port?`, or nothing when none of `known` is near. */
export function suggestion(given: string, known: readonly string[]): string {
  if (given === "" || known.length === 0) return ""
  const near = swapped(given, known) ?? closest(given, known)
  const letters = given.replace(/[^a-zA-Z0-9]/g, "").length
  const bound = Math.max(1, Math.min(MOST_TYPOS, Math.floor(letters / 3)))
  return swapped(given, known) !== undefined || distance(given, near) <= bound ? `: did you mean ${near}?` : ""
}

/** The name that two neighbouring letters of `given` make when swapped: one slip of the fingers, yet a distance of two. */
function swapped(given: string, known: readonly string[]): string | undefined {
  const all = new Set(known)
  for (let at = 0; at + 1 < given.length; at++) {
    const one = `${given.slice(0, at)}${given[at + 1]}${given[at]}${given.slice(at + 2)}`
    if (all.has(one)) return one
  }
  return undefined
}
