// What one connection has left to spend, and with it its place: a message is paid for by both. What cannot be paid is
// refused and costs nothing, but who is refused again and again is parted from.

import { Budget, type Rates, type Shortage } from "./budget.ts"
import type { Liveness } from "./liveness.ts"
import type { Place, Places } from "./places.ts"

/** 1,000 refused messages without a pause in between: by then the client does not heed what it is told. */
const MOST_STRIKES = 1_000

/** 100 refused messages, and 10 joins of its place's: what a guess costs that no client has to make. */
const ABUSE_STRIKES = 100
const ABUSE_JOINS = 10

/** 1,024 characters: only of longer ones the bytes are counted, of others a character is one. */
const LONG_CHARACTERS = 1_024

/** 35 bytes: what a frame takes besides its payload, and a record of TLS around it (RFC 5246: 29). */
const FRAME_BYTES = 35

/** What all accounts share. */
export interface AccountOwner {
  /** What each may do. */
  readonly rates: Rates
  readonly places: Places
  readonly liveness: Liveness
  /** Something is refused, for want of this: of its own, or of its place's. */
  onRefused(shortage: Shortage, place: Place | undefined): void
}

/** See the head of this file. */
export class Account extends Budget {
  readonly place: Place
  /** Bytes of all that was to be paid, as they came over the line: about. */
  receivedBytes = 0
  readonly #all: AccountOwner
  #strikes = 0

  constructor(all: AccountOwner, place: Place) {
    super(all.rates, all.liveness.tick)
    this.#all = all
    this.place = place
  }

  /** Takes a message's price: itself, and its bytes, sent once. @returns whether it could be paid */
  pay(text: string): boolean {
    const { place } = this
    const bytes = text.length < LONG_CHARACTERS ? text.length : Buffer.byteLength(text)
    this.receivedBytes += bytes + FRAME_BYTES
    const isThere = this.messages >= 1 && place.messages >= 1 && this.bytes > 0 && place.bytes > 0
    if (!isThere && (this.#isShort("messages") || this.#isShort("bytes"))) return false
    this.messages--
    this.bytes -= bytes
    place.messages--
    place.bytes -= bytes
    return true
  }

  /** Takes a join's. */
  payJoin(): boolean {
    const { place } = this
    if ((this.joins < 1 || place.joins < 1) && this.#isShort("joins")) return false
    this.joins--
    place.joins--
    return true
  }

  /** Takes what was caused, and may be more than there is. */
  charge(bytes: number): void {
    this.bytes -= bytes
    this.place.bytes -= bytes
  }

  /** Takes the price of a guess. @returns its strikes */
  chargeAbuse(): number {
    this.place.joins -= ABUSE_JOINS
    return ABUSE_STRIKES
  }

  /** Something could not be paid. @returns whether the client may go on */
  strike(times: number): boolean {
    this.#strikes += times
    return this.#strikes < MOST_STRIKES
  }

  /** Something is used up: fills what time has brought. @returns whether it still is, which is counted */
  #isShort(of: Shortage): boolean {
    const { rates, places, liveness } = this.#all
    if (this.fill(rates, liveness.tick)) this.#strikes = 0
    this.place.fill(places.rates, liveness.tick)
    const isOwn = this[of] < 1
    if (!isOwn && this.place[of] >= 1) return false
    this.#all.onRefused(of, isOwn ? undefined : this.place)
    return true
  }
}
