// Why a peer is not reached: which ways through the network were tried, and what is missing. (RFC 8445; RFC 8656.)
// Pure; call.ts asks the browser.

/** What came of asking the relays, as far as the browser tells. */
export interface Tried {
  /** Whether the server named one. */
  hasRelay: boolean
  /** Whether one gave an address. */
  gotRelay: boolean
  /** STUN error codes of the relays (RFC 8656 section 18; 701 is the browser's own for no answer). */
  errors: readonly number[]
}

/** 401: a wrong or outdated password; 403: not allowed; 441: another password than at first. */
const REFUSALS = new Set([401, 403, 441])

/** Pure, for its test. */
export function wayWord({
  hasRelay,
  gotRelay,
  errors,
}: Tried): "way_no_relay" | "way_relay" | "way_refused" | "way_silent" {
  if (!hasRelay) return "way_no_relay"
  if (gotRelay) return "way_relay"
  return errors.some((code) => REFUSALS.has(code)) ? "way_refused" : "way_silent"
}
