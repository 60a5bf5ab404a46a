// When to come back after the connection broke, and whether at all.

/** Close codes that mean: coming back would end the same way. All of 4500 to 4999 mean it too. */
const FINAL_CODES = new Set([
  1002, // protocol error: we spoke WebSocket wrongly
  1003, // a binary frame where text is spoken
  1007, // text that is not UTF-8
  1008, // a policy of somebody in between
  1009, // a frame larger than the limit
  1010, // an extension we need is missing
])

/** Close codes after which the server wants to be left alone a while: full or too slow a reader, and a broken rate limit. */
const BUSY_CODES = new Set([1013, 4029])

/** 5 s, the least step after a busy code: with less, a full server spends its strength on turning us away. */
const BUSY_STEP_MS = 5_000

/** The server goes away, most likely for a moment, and with it everybody it had. */
const GOING_AWAY = 1001

/** How long the waits are: the first, and the longest they grow to by doubling. */
export interface RetryTiming {
  firstMs: number
  longestMs: number
}

/** Whether a connection closed with this code is to be opened again. */
export function comesBack(code: number): boolean {
  return !FINAL_CODES.has(code) && !(code >= 4500 && code <= 4999)
}

/**
 * The wait before the next attempt, in ms. `attempt` counts from 0. Between half of the step and the whole of it by
 * chance, because all clients of a lost node start counting at the same moment; at the first after a shutdown between
 * nothing and twice the step, for a few to be back at once and nobody late.
 */
export function retryDelay(attempt: number, timing: RetryTiming, code?: number, random = Math.random()): number {
  const step = Math.min(timing.longestMs, timing.firstMs * 2 ** Math.min(attempt, 30))
  if (code === GOING_AWAY && attempt === 0) return step * random * 2
  const least = code !== undefined && BUSY_CODES.has(code) ? BUSY_STEP_MS : 0
  return Math.max(step, least) * (0.5 + random / 2)
}
