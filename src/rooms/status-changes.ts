// How often a room is told of a member's status: a few changes at once, then one in an interval, and of those that come
// within it the last. A change is a few bytes to ask for, and a whole status to each member to tell: without this, one
// client's burst would be thousands of times its size.

import type { Clock } from "../clock.ts"
import type { RoomCounters } from "./counters.ts"
import type { Membership } from "./membership.ts"
import type { Ref, StatusText } from "./room-store.ts"

/** 5 changes at once: what a page sets one by one when a call begins (name, microphone, camera, screen, hand). */
const AT_ONCE = 5

/** 100 ms: nobody sees a later change than that as late, and ten a second are more than a person makes. */
const INTERVAL_MS = 100

/** What a status change or a frame became. */
export type ChangeOutcome = "done" | "unavailable"

/** A member who has changed its status of late. */
interface Recent {
  /** The status as asked for last. */
  latest: StatusText
  /** Announcements that no interval has passed for yet. */
  told: number
  /** One is on its way to the store. */
  isUnderWay: boolean
  /** Whether `latest` is still to be announced, and whose wish it was. */
  isWaiting: boolean
  ref: Ref
  readonly cancel: () => void
}

/** What changes work with. */
export interface StatusChangesParts {
  readonly clock: Clock
  readonly counters: Pick<RoomCounters, "statusesCoalesced">
  /** Tells the store and, by its log, the room. Rejects only by a bug. */
  readonly announce: (membership: Membership, status: StatusText) => Promise<ChangeOutcome>
  readonly onBug: (cause: unknown, membership: Membership) => void
}

/** See the head of this file. One entry for each member who changed its status within the last half second. */
export class StatusChanges {
  readonly #parts: StatusChangesParts
  readonly #recent = new Map<Membership, Recent>()

  constructor(parts: StatusChangesParts) {
    this.#parts = parts
  }

  /** The status a member has asked for last. */
  latestOf(membership: Membership): StatusText {
    return this.#recent.get(membership)?.latest ?? membership.status
  }

  /** A new status; one that is to wait is "done", and a later failure is told to the holder, with `ref`. */
  async change(membership: Membership, status: StatusText, ref: Ref): Promise<ChangeOutcome> {
    const recent = this.#recent.get(membership) ?? this.#open(membership)
    if (recent.isWaiting) this.#parts.counters.statusesCoalesced++
    recent.latest = status
    recent.ref = ref
    recent.isWaiting = recent.told >= AT_ONCE || recent.isUnderWay
    return recent.isWaiting ? "done" : this.#announce(membership, recent)
  }

  /** Announces what waits, ahead of whatever its member does next. */
  flush(membership: Membership): void {
    const recent = this.#recent.get(membership)
    if (recent === undefined) return
    recent.cancel()
    this.#recent.delete(membership)
    if (recent.isWaiting) this.#announceLate(membership, recent)
  }

  /** The same for all members. */
  flushAll(): void {
    for (const membership of [...this.#recent.keys()]) this.flush(membership)
  }

  #open(membership: Membership): Recent {
    const recent: Recent = {
      latest: membership.status,
      told: 0,
      isUnderWay: false,
      isWaiting: false,
      ref: undefined,
      cancel: this.#everyInterval(() => this.#onInterval(membership, recent)),
    }
    this.#recent.set(membership, recent)
    return recent
  }

  /** @returns whether there is a next interval */
  #onInterval(membership: Membership, recent: Recent): boolean {
    if (recent.isUnderWay) return true
    recent.told--
    if (recent.isWaiting && membership.isIn) this.#announceLate(membership, recent)
    if (recent.told > 0 && membership.isIn) return true
    this.#recent.delete(membership)
    return false
  }

  async #announce(membership: Membership, recent: Recent): Promise<ChangeOutcome> {
    const { latest } = recent
    recent.isWaiting = false
    recent.isUnderWay = true
    recent.told++
    try {
      const outcome = await this.#parts.announce(membership, latest)
      if (outcome === "unavailable" && recent.latest === latest) recent.latest = membership.status
      return outcome
    } finally {
      recent.isUnderWay = false
    }
  }

  #announceLate(membership: Membership, recent: Recent): void {
    const { ref } = recent
    this.#announce(membership, recent).then(
      (outcome) => {
        if (outcome === "unavailable") membership.holder.onRelayFailed(ref, outcome)
      },
      (cause) => this.#parts.onBug(cause, membership),
    )
  }

  #everyInterval(call: () => boolean): () => void {
    let cancel = (): void => {}
    const arm = (): void => {
      cancel = this.#parts.clock.after(INTERVAL_MS, () => {
        if (call()) arm()
      })
    }
    arm()
    return () => cancel()
  }
}
