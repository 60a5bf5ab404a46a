// The numbers of memberships and of their commands: never the same twice at a node, and growing. They are made of the time,
// so that of two memberships of one peer, at whichever nodes, the later has the higher number.

/** 1,000: no node does more in a millisecond for long; and until the year 2255 the numbers are exact in JSON and Lua. */
const NUMBERS_PER_MS = 1_000

/** The number after `last` at this moment (unix milliseconds). */
export function numberAfter(last: number, unixMs: number): number {
  return Math.max(last + 1, Math.floor(unixMs * NUMBERS_PER_MS))
}

/** When a number was made, unix milliseconds. */
export function timeOf(number: number): number {
  return Math.floor(number / NUMBERS_PER_MS)
}
