// How long something takes, counted in buckets as Prometheus has them: plain numbers, as its client's own cost too much for
// each command. Telemetry reads them when somebody asks.

/** Seconds, upper bounds of the buckets: a healthy node and Redis are below 1 ms, a wait above 1 s is an outage. */
export const SECONDS_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Durations since the start; they only grow. */
export class Durations {
  /** Within SECONDS_BOUNDS[i] and not within the one before; the last is the rest. */
  readonly buckets: number[] = SECONDS_BOUNDS.map(() => 0).concat(0)
  /** Of all of them. */
  seconds = 0

  /** Counts one. */
  add(seconds: number): void {
    this.seconds += seconds
    let at = 0
    while (at < SECONDS_BOUNDS.length && seconds > (SECONDS_BOUNDS[at] as number)) at++
    this.buckets[at] = (this.buckets[at] as number) + 1
  }
}
