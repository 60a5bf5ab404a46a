// Latencies of one run, in nanoseconds, kept in a log-linear histogram.
//
// A run sees millions of messages. Keeping each one would cost the generator memory and time that it is there to
// save, so a latency is one increment: 32 buckets to each power of two, which is exact to about 3 %.

/** 2^40 ns is 18 minutes: longer than any run. */
const POWERS = 40
const STEPS = 32

/** Counts durations, answers percentiles. */
export class Histogram {
  readonly #counts = new Uint32Array(POWERS * STEPS)
  #total = 0

  /** Adds one duration of `nanoseconds`. */
  add(nanoseconds: number): void {
    const value = Math.max(nanoseconds, STEPS)
    const power = Math.min(POWERS - 1, Math.floor(Math.log2(value)))
    const step = Math.min(STEPS - 1, Math.floor((value / 2 ** power - 1) * STEPS))
    const bucket = power * STEPS + step
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#total++
  }

  /** Forgets everything: the warm-up is over. */
  clear(): void {
    this.#counts.fill(0)
    this.#total = 0
  }

  /** The duration that `share` (0..1) of all stayed below, in microseconds; 0 when nothing was added. */
  percentile(share: number): number {
    let left = Math.ceil(this.#total * share)
    if (left === 0) return 0
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket] as number
      if (left <= 0) return (2 ** Math.floor(bucket / STEPS) * (1 + ((bucket % STEPS) + 1) / STEPS)) / 1000
    }
    return 0
  }
}
