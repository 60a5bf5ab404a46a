// How well a peer comes through, read from the browser's statistics (W3C, "Identifiers for WebRTC's Statistics API").

/** How well a peer comes through. What the browser does not tell is undefined. */
export interface Quality {
  /** The part of all packets that was lost, 0 to 1. */
  readonly loss: number
  /** To the peer and back. */
  readonly roundTripMs: number | undefined
  /** Of the largest picture. */
  readonly picture: { readonly width: number; readonly height: number; readonly framesPerSecond: number } | undefined
  /** Whether everything goes by a relay (TURN). */
  readonly isRelayed: boolean
}

/** What is read of the browser's statistics. */
interface Entry {
  readonly type: string
  readonly packetsLost?: number
  readonly packetsReceived?: number
  readonly frameWidth?: number
  readonly frameHeight?: number
  readonly framesPerSecond?: number
  readonly nominated?: boolean
  readonly state?: string
  readonly localCandidateId?: string
  /** Seconds. */
  readonly currentRoundTripTime?: number
  readonly candidateType?: string
}

/** A connection, as far as it is asked here. */
export interface Measured {
  getStats(): Promise<{ values(): Iterable<Entry>; get(id: string): Entry | undefined }>
}

/** Remembers what was counted the last time. */
export class QualityMeter {
  #lost = 0
  #received = 0

  /** Since it was read the last time. */
  async read(connection: Measured): Promise<Quality> {
    let lost = 0
    let received = 0
    let roundTripMs: number | undefined
    let picture: Quality["picture"]
    let isRelayed = false
    const stats = await connection.getStats()
    for (const entry of stats.values()) {
      if (entry.type === "inbound-rtp") {
        lost += entry.packetsLost ?? 0
        received += entry.packetsReceived ?? 0
        const { frameWidth: width = 0, frameHeight: height = 0, framesPerSecond = 0 } = entry
        if (width > (picture?.width ?? 0)) picture = { width, height, framesPerSecond }
      } else if (entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded") {
        roundTripMs = (entry.currentRoundTripTime ?? 0) * 1000
        isRelayed = stats.get(entry.localCandidateId ?? "")?.candidateType === "relay"
      }
    }
    // Less than before: it is another connection.
    if (received < this.#received) this.#lost = this.#received = 0
    const lostNow = Math.max(0, lost - this.#lost)
    const all = lostNow + received - this.#received
    this.#lost = lost
    this.#received = received
    return { loss: all === 0 ? 0 : lostNow / all, roundTripMs, picture, isRelayed }
  }
}
