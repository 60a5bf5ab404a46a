// Why a peer is not reached: which ways through the network were tried, and what is missing. (RFC 8445; RFC 8656.)

/**
 * `no_relay`: no direct way, and the server names no relay (TURN); `refused`: the relay refuses its password; `silent`: it
 * does not answer; `unreachable`: neither the direct way nor that by the relay reaches the other side.
 */
export type Obstacle = "no_relay" | "refused" | "silent" | "unreachable"

/** What came of asking the relays, as far as the browser tells. */
export interface Tried {
  /** Whether the server named one. */
  readonly hasRelay: boolean
  /** Whether one gave an address. */
  readonly gotRelay: boolean
  /** STUN error codes of the relays (RFC 8656 section 18; 701 is the browser's own for no answer). */
  readonly errors: ReadonlySet<number>
}

/** A connection, as far as it is asked here. */
interface Asked {
  getConfiguration(): { iceServers?: readonly { urls: string | string[] }[] }
  getStats(): Promise<{ values(): Iterable<{ type: string; candidateType?: string }> }>
}

/** 401: a wrong or outdated password; 403: not allowed; 441: another password than at first. */
const REFUSALS = [401, 403, 441]

/** Asks the browser what was tried. */
export async function obstacleOf(connection: Asked, errors: ReadonlySet<number>): Promise<Obstacle> {
  const urls = (connection.getConfiguration().iceServers ?? []).flatMap((server) => server.urls)
  const hasRelay = urls.some((url) => url.startsWith("turn"))
  let gotRelay = false
  for (const entry of (await connection.getStats()).values()) {
    gotRelay ||= entry.type === "local-candidate" && entry.candidateType === "relay"
  }
  return toObstacle({ hasRelay, gotRelay, errors })
}

/** Pure, for its test. */
export function toObstacle({ hasRelay, gotRelay, errors }: Tried): Obstacle {
  if (!hasRelay) return "no_relay"
  if (gotRelay) return "unreachable"
  return REFUSALS.some((code) => errors.has(code)) ? "refused" : "silent"
}
