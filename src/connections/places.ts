// What all connections from one place (an address, an IPv6 network of 64 bits) may do together: to connect again, or a
// hundred times, gives nobody more. A place is forgotten when nobody is connected from it and nothing it took is missing
// any more, so forgetting gives nothing either. Places are bounded: when there are too many, all further ones are one.

import type { Clock } from "../clock.ts"
import { Slices } from "../slices.ts"
import { Budget, type BudgetLimits, type Rate, type Rates, ratesOf } from "./budget.ts"
import { TICKS_PER_SECOND } from "./liveness.ts"

/**
 * 100,000 places that are connected or have something missing, about 20 MB: more than the networks of one /48, and more
 * than one machine can be at.
 */
const MOST_PLACES = 100_000

/** 20 seconds of new connections at once: everybody behind one address comes back when a network or a node does. */
const CONNECT_BURST_SECONDS = 20

/** 10 messages: what a plain HTTP request costs the node next to one. */
const REQUEST_MESSAGES = 10

/** 20 new connections: what one costs that was parted from for flooding, so that it does not come back for more at once. */
const FLOOD_CONNECTS = 20

/**
 * 16,384 messages of one place in one turn of the event loop that has no more time for them: candidates of 300 bytes, as much
 * as is read at once (receive-buffers.ts) of 100 clients; to take in so many holds the loop for some 15 ms.
 */
const MOST_IN_TURN = 16_384

/**
 * 81,920 messages of one place that wait: a room of 50 that calls each other in one moment, with 30 candidates each way, are
 * 76,000; it takes 12 MB.
 */
const MOST_WAITING = 81_920

/** 10 s: when to come again, where only others can make room. */
const FULL_RETRY_SECONDS = 10

/** The options that say what a place may do. */
export interface PlaceLimits extends BudgetLimits {
  /** So many times what a connection may do; 0 is no limit. */
  readonly addressShare: number
  /** Most open connections; 0 is no limit. */
  readonly addressConnections: number
  /** New connections a second; 0 is no limit. */
  readonly addressConnectsPerSecond: number
}

/** Why somebody is turned away, and in how many seconds it is worth to come again. */
export interface Turned {
  readonly reason: "address_connections" | "address_connects" | "address_requests"
  readonly retrySeconds: number
}

/** One place; its budget is the sum for all its connections. */
export class Place extends Budget {
  /** What it is called: an address or a network; empty for all those for whom there was no room. */
  readonly name: string
  /** Open ones, and those of which plug-ins are still asked. */
  connections = 0
  /** Messages in the queues of its connections. */
  waiting = 0
  /** New connections it may open now, and the tick of their last filling. */
  connects: number
  connectsFilledAt: number
  #turn = 0
  #waitingInTurn = 0

  constructor(name: string, rates: Rates, connects: Rate, tick: number) {
    super(rates, tick)
    this.name = name
    this.connects = connects.burst
    this.connectsFilledAt = tick
  }

  /** A message is taken in that has to wait for a later turn. @returns whether it is one too many, in the turn of this number or in all */
  isFlooding(turn: number): boolean {
    if (turn !== this.#turn) {
      this.#turn = turn
      this.#waitingInTurn = 0
    }
    return ++this.#waitingInTurn > MOST_IN_TURN || this.waiting >= MOST_WAITING
  }
}

/** See the head of this file. */
export class Places {
  readonly rates: Rates
  /** Where clients are that the node itself speaks for: without limits. */
  readonly nowhere: Place
  readonly #connects: Rate
  readonly #most: number
  readonly #ticks: { readonly tick: number }
  readonly #slices: Slices
  readonly #byName = new Map<string, Place>()
  readonly #rest: Place

  constructor(limits: PlaceLimits, ticks: { readonly tick: number }, clock: Clock) {
    const { addressConnections: most, addressConnectsPerSecond: connects } = limits
    const no = Number.POSITIVE_INFINITY
    this.rates = ratesOf(limits, limits.addressShare)
    this.#connects = { perSecond: connects || no, burst: connects * CONNECT_BURST_SECONDS || no }
    this.#most = most || no
    this.#ticks = ticks
    this.#slices = new Slices(clock)
    this.nowhere = new Place("", ratesOf(limits, 0), { perSecond: no, burst: no }, ticks.tick)
    this.#rest = new Place("", this.rates, this.#connects, ticks.tick)
  }

  /** Places that are known. */
  get size(): number {
    return this.#byName.size
  }

  /** The place of this name. */
  of(name: string): Place {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    if (this.#byName.size >= MOST_PLACES) return this.#rest
    const place = new Place(name, this.rates, this.#connects, this.#ticks.tick)
    this.#byName.set(name, place)
    return place
  }

  /** Somebody wants to connect. @returns why not */
  connect(place: Place): Turned | undefined {
    if (place.connections >= this.#most) {
      return { reason: "address_connections", retrySeconds: FULL_RETRY_SECONDS }
    }
    this.#fillConnects(place)
    if (place.connects >= 1) {
      place.connects--
      return undefined
    }
    return { reason: "address_connects", retrySeconds: Math.ceil((1 - place.connects) / this.#connects.perSecond) }
  }

  /** One from there was parted from for flooding. All of them together close the place for no longer than a burst takes. */
  chargeFlood(place: Place): void {
    place.connects = Math.max(place.connects - FLOOD_CONNECTS, -this.#connects.burst)
  }

  /** Counts one as connected as long as plug-ins are asked whether it may be: any number could come in that time. */
  async keepDuring<T>(place: Place, asked: Promise<T>): Promise<T> {
    place.connections++
    try {
      return await asked
    } finally {
      place.connections--
    }
  }

  /** A plain HTTP request. @returns why it is not answered */
  request(place: Place): Turned | undefined {
    if (place.messages < REQUEST_MESSAGES) place.fill(this.rates, this.#ticks.tick)
    if (place.messages < REQUEST_MESSAGES) {
      const missing = REQUEST_MESSAGES - place.messages
      return { reason: "address_requests", retrySeconds: Math.ceil(missing / this.rates.messages.perSecond) }
    }
    place.messages -= REQUEST_MESSAGES
    return undefined
  }

  /** Forgets the places of which nothing is to be remembered. */
  sweep(): void {
    this.#slices.each(this.#byName, ([name, place]) => {
      if (place.connections > 0) return
      place.fill(this.rates, this.#ticks.tick)
      this.#fillConnects(place)
      if (place.isFull(this.rates) && place.connects >= this.#connects.burst) this.#byName.delete(name)
    })
  }

  #fillConnects(place: Place): void {
    const seconds = (this.#ticks.tick - place.connectsFilledAt) / TICKS_PER_SECOND
    if (seconds <= 0) return
    place.connectsFilledAt = this.#ticks.tick
    place.connects = Math.min(place.connects + seconds * this.#connects.perSecond, this.#connects.burst)
  }
}
