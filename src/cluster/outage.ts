// What an operator is told of the way to Redis: one line when it is lost or cannot be had, one when it is back, and while
// nothing changes a line a minute with how often it was tried.

import type { Clock } from "../clock.ts"
import { Seldom } from "../log.ts"
import type { ClusterLog } from "./log.ts"

/** One minute of being up makes the next loss news again; sooner, it is the same trouble going on. */
const STEADY_MS = 60_000

/** Why Redis cannot be used. */
interface Failure {
  /** Holds neither user nor password. */
  readonly reason: string
  /** A link that worked was lost; else there was none. */
  readonly isLoss: boolean
}

/** The log of one node's way to Redis. */
export class Outages {
  readonly #clock: Clock
  readonly #log: ClusterLog
  readonly #redis: string
  readonly #failures: Seldom<Failure>
  #hasBeenUp = false
  /** When it was last found to be up, or to be away, monotonic ms. */
  #since: number
  #isUp = false
  /** Whether a line was written of the current outage. */
  #isTold = false

  /** @param redis host and port, never user or password */
  constructor(redis: string, clock: Clock, log: ClusterLog) {
    this.#redis = redis
    this.#clock = clock
    this.#log = log
    this.#since = clock.monotonicMs()
    this.#failures = new Seldom(clock, (failure, times) => this.#tell(failure, times))
  }

  /** A link was lost, or could not be had. */
  failed(reason: string): void {
    const isLoss = this.#isUp
    if (isLoss && this.#sinceMs >= STEADY_MS) this.#failures.reset()
    if (isLoss) this.#turn(false)
    this.#failures.add({ reason, isLoss })
  }

  /** Commands are answered. After an outage too short for a line, silence: the next line has it in its count. */
  up(): void {
    if (this.#isUp) return
    const [redis, seconds, isFirst] = [this.#redis, Math.round(this.#sinceMs / 1000), !this.#hasBeenUp]
    this.#hasBeenUp = true
    const isTold = this.#isTold
    this.#turn(true)
    if (!isFirst && !isTold) return
    const failures = this.#failures.take()
    if (isFirst) this.#log.info("redis can be used", { redis, seconds })
    else this.#log.info("redis is back", { redis, seconds, failures })
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#failures.reset()
  }

  get #sinceMs(): number {
    return this.#clock.monotonicMs() - this.#since
  }

  #turn(isUp: boolean): void {
    this.#isUp = isUp
    this.#isTold = false
    this.#since = this.#clock.monotonicMs()
  }

  #tell({ reason, isLoss }: Failure, times: number): void {
    const fields = { redis: this.#redis, reason, times, now: this.#isUp ? "up" : "away" }
    this.#isTold = !this.#isUp
    if (isLoss) this.#log.warn("redis connection lost", fields)
    else this.#log.warn("redis cannot be used", fields)
  }
}
