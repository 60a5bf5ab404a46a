// What was said at this node since its start, for each dialect.

/**
 * What became of the log of a member that came from another node: all of it came, or not, as something was missing there
 * (incomplete), the node said nothing, it did not come in time, or it was written by another release (unknown).
 */
export const HAND_OVER_OUTCOMES = ["complete", "incomplete", "silent", "late", "unknown"] as const

/** One of them. */
export type HandOverOutcome = (typeof HAND_OVER_OUTCOMES)[number]

/** How clients came back as themselves: totals, and what is held now. */
export interface ResumptionCounters {
  /** Resumptions where nothing was lost, and where something may have been. */
  complete: number
  incomplete: number
  /** Requests refused: too late, or not the token. */
  failed: number
  /** Memberships whose client did not come back in time. */
  expired: number
  /** Members who came from other nodes. */
  readonly handOvers: Record<HandOverOutcome, number>
  /** Memberships held now. */
  readonly held: number
  /** Memberships on their way to or from other nodes now. */
  readonly moving: number
  /** Bytes of the frames kept now. */
  readonly keptBytes: number
  /** Kept frames that were dropped, by the bound that was reached. */
  readonly framesDropped: Readonly<Record<"membership" | "node", number>>
}

/** Totals of one dialect. Names are from closed sets, so that no client can make labels; all else is "other". */
export class DialectCounters {
  /** Messages that went a dialect's short way: adding one is all it costs. */
  relayFrames = 0
  /** Client messages by name. */
  readonly events: Record<string, number> = Object.create(null)
  /** Refusals by name. */
  readonly errors: Record<string, number> = Object.create(null)

  readonly #relayName: string

  /** @param relayName the event whose short way is counted by relayFrames */
  constructor(relayName = "relay") {
    this.#relayName = relayName
  }

  /** All client messages by name, those of the short way included. */
  get totals(): Readonly<Record<string, number>> {
    if (this.relayFrames === 0) return this.events
    const { events, relayFrames } = this
    return { ...events, [this.#relayName]: (events[this.#relayName] ?? 0) + relayFrames }
  }

  countEvent(name: string): void {
    this.events[name] = (this.events[name] ?? 0) + 1
  }

  countError(name: string): void {
    this.errors[name] = (this.errors[name] ?? 0) + 1
  }
}
