// What a client may do, and cause: messages, joins, and bytes that others are sent because of it. Token buckets on the
// coarse clock of liveness, filled only when one of them is empty: taking from them is a subtraction. What something
// costs is often known only when it is done, so a bucket may run into debt; nothing more is taken until it is paid.

import { TICKS_PER_SECOND } from "./liveness.ts"

/** What may be had of each a second, and at once after a pause. Infinity where there is no limit. */
export interface Rates {
  readonly messages: Rate
  readonly joins: Rate
  /** Bytes sent, times receivers. */
  readonly bytes: Rate
}

/** A second's worth, and what is there after a pause. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** Which bucket is empty. */
export type Shortage = keyof Rates

/** 50 joins' seconds at once: whoever comes back to all of its rooms does so in one go. */
const JOIN_BURST_SECONDS = 50

/** 32 seconds of output at once: the statuses, offers and candidates of a room of 50 that is set up anew, several times over. */
const OUTPUT_BURST_SECONDS = 32

/** The options that say so. */
export interface BudgetLimits {
  /** Messages a second on average, and at once after a pause; 0 is no limit. */
  readonly ratePerSecond: number
  readonly rateBurst: number
  /** 0 is no limit. */
  readonly joinsPerSecond: number
  /** KiB a second; 0 is no limit. */
  readonly outputKbPerSecond: number
}

/** The rates of `times` connections at once; of 0, no limit. */
export function ratesOf(limits: BudgetLimits, times = 1): Rates {
  const { ratePerSecond, rateBurst, joinsPerSecond, outputKbPerSecond } = limits
  const rate = (perSecond: number, burst: number): Rate => {
    if (perSecond === 0 || times === 0) return { perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY }
    return { perSecond: perSecond * times, burst: burst * times }
  }
  const bytes = outputKbPerSecond * 1024
  return {
    messages: rate(ratePerSecond, rateBurst),
    joins: rate(joinsPerSecond, joinsPerSecond * JOIN_BURST_SECONDS),
    bytes: rate(bytes, bytes * OUTPUT_BURST_SECONDS),
  }
}

/** See the head of this file. */
export class Budget {
  /** What is left; below 0 in debt. */
  messages: number
  joins: number
  bytes: number
  /** Tick of the last filling. */
  #filledAt: number

  constructor(rates: Rates, tick: number) {
    this.messages = rates.messages.burst
    this.joins = rates.joins.burst
    this.bytes = rates.bytes.burst
    this.#filledAt = tick
  }

  /** Adds what time has brought. @returns whether it has been a pause long enough to fill the messages from nothing */
  fill(rates: Rates, tick: number): boolean {
    const seconds = (tick - this.#filledAt) / TICKS_PER_SECOND
    if (seconds <= 0) return false
    this.#filledAt = tick
    this.messages = filled(this.messages, rates.messages, seconds)
    this.joins = filled(this.joins, rates.joins, seconds)
    this.bytes = filled(this.bytes, rates.bytes, seconds)
    return seconds * rates.messages.perSecond >= rates.messages.burst
  }

  /** Whether nothing was taken, or all has been filled since. */
  isFull({ messages, joins, bytes }: Rates): boolean {
    return this.messages >= messages.burst && this.joins >= joins.burst && this.bytes >= bytes.burst
  }
}

/** A debt is at most one burst: a single frame may cause more than that, and whoever sent it may speak again some time. */
function filled(left: number, { perSecond, burst }: Rate, seconds: number): number {
  return Math.min(Math.max(left, -burst) + seconds * perSecond, burst)
}
