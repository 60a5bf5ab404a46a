// What somebody may have meant by a name that is none: `--prot` is near to `--port`.

import { closest, distance } from "fastest-levenshtein"

/** Letters that may differ in a word of six or more; shorter words have one third of their letters, at least one. */
const MOST_TYPOS = 2

/** 3 letters: fewer are the beginning of much that nobody meant. */
const LEAST_BEGUN = 3

/** `: did you mean --port?`, or nothing when none of `known` is near. */
export function suggestion(given: string, known: readonly string[]): string {
  const meant = swapped(given, known) ?? misspelt(given, known) ?? begun(given, known)
  return meant === undefined ? "" : `: did you mean ${meant}?`
}

/** The nearest name, if it is near. */
function misspelt(given: string, known: readonly string[]): string | undefined {
  if (given === "" || known.length === 0) return undefined
  const near = closest(
    given.toLowerCase(),
    known.map((name) => name.toLowerCase()),
  )
  const bound = Math.max(1, Math.min(MOST_TYPOS, Math.floor(lettersOf(given).length / 3)))
  if (distance(given.toLowerCase(), near) > bound) return undefined
  return known.find((name) => name.toLowerCase() === near)
}

/** The only name that begins so. */
function begun(given: string, known: readonly string[]): string | undefined {
  if (lettersOf(given).length < LEAST_BEGUN) return undefined
  const [name, ...others] = known.filter((each) => each.startsWith(given))
  return others.length === 0 ? name : undefined
}

function lettersOf(given: string): string {
  return given.replace(/[^a-zA-Z0-9]/g, "")
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
