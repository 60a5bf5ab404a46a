// Keeps this node's way to Redis: opens links, holds the lease, has the rooms restored, and lets commands through when all
// of that holds. Every fate of a link or a lease ends here in the same three steps, so there is one way back, on which
// nothing that was known of Redis's state before is taken for granted:
//
//   connected and subscribed → lease taken (restore and snapshot may go) → rooms restored (everything may go)
//
// Whoever comes earlier waits, bounded in time and number, and is refused with StoreUnavailable.

import type { Clock } from "../clock.ts"
import { StoreUnavailable } from "../rooms/room-store.ts"
import { type Backend, type Link, LinkLost, type LinkOptions, type Reply, type ScriptCall } from "./backend.ts"
import type { ClusterCounters } from "./counters.ts"
import type { Lease } from "./lease.ts"
import type { ClusterLog } from "./log.ts"
import { Outages } from "./outage.ts"
import { REFUSED } from "./redis/scripts.ts"
import { Slots } from "./slots.ts"

/** How far the way back must be for a command: `leased` for those that restore, `up` for all others. */
export type Stage = "leased" | "up"

/** What a script needs to know of the moment it is sent. */
export interface Terms {
  /** End of our lease on Redis's clock, ms: a script that arrives later is refused by Redis itself. */
  readonly leaseUntil: string
  /** Start of the current hour on Redis's clock, unix seconds. */
  readonly hour: number
  readonly publishWord: string
}

/** What an uplink is made with. */
export interface UplinkOptions {
  readonly backend: Backend
  readonly link: LinkOptions
  readonly lease: Lease
  readonly clock: Clock
  /** At least 0, below 1. */
  readonly random: () => number
  readonly counters: ClusterCounters
  readonly log: ClusterLog
  /** Milliseconds a command waits for Redis before it is refused. */
  readonly waitMs: number
  /** Restores all rooms. Never called while an earlier call has not ended. */
  onResync(): Promise<void>
  /** Another node's lease is over. */
  onLeaseEnded(node: string): void
}

// 50 ms to 1 s, doubling, each between a half and the whole: clients wait 5 s at most, and a hundred nodes must not
// knock at the same moment.
const BACKOFF_MS = 50
const BACKOFF_MOST_MS = 1000
// 10,000 commands waiting: some MB, and a reconnect storm of that size is answered within a second once Redis is back.
const MOST_WAITING = 10_000
// 30 s in the queue behind others, ms: 20,000 clients of a lost node are in within half of that.
const MOST_QUEUED_MS = 30_000

/** One node's way to Redis. */
export class Uplink {
  readonly #options: UplinkOptions
  readonly #outages: Outages
  #isClosed = false
  #link: Link | undefined
  /** When a link with which commands were sent was last lost, monotonic ms. */
  #lostAt = Number.NEGATIVE_INFINITY
  #stage: "away" | Stage = "away"
  /** Why it is not up. */
  #reason: string
  #hasBeenUp = false
  #resyncing: Promise<void> = Promise.resolve()
  /** Ends the current lease's stay, however far it came. */
  #interrupt: () => void = () => {}
  /** Ends the pause before the next link. */
  #endPause: () => void = () => {}
  #waiting = 0
  readonly #slots: Slots
  readonly #waiters: Record<Stage, Set<() => void>> = { leased: new Set(), up: new Set() }

  constructor(options: UplinkOptions) {
    this.#options = options
    this.#outages = new Outages(options.backend.place, options.clock, options.log)
    this.#slots = new Slots(options.clock)
    this.#reason = "connecting"
  }

  /** Why commands are not answered now; undefined when they are. */
  get awayReason(): string | undefined {
    return this.#stage === "up" ? undefined : `redis at ${this.#options.backend.place}: ${this.#reason}`
  }

  /** Milliseconds since a link with which commands were sent was last lost. */
  get sinceLostMs(): number {
    return this.#options.clock.monotonicMs() - this.#lostAt
  }

  /** The link, if commands of `leased` may go now. */
  get link(): Link | undefined {
    return this.#ready("leased")
  }

  /**
   * Comes up and stays so until closed. Resolves the first time; rejects when this can never be the right Redis, or with
   * StoreUnavailable when it is closed before.
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stayUp(resolve).then(() => reject(new StoreUnavailable("closed")), reject)
    })
  }

  /**
   * Sends a script once the `stage` is reached; again, when its outcome was lost. Every script is safe to repeat.
   * @param commands how many wait for it
   */
  async run(stage: Stage, makeCall: (terms: Terms) => ScriptCall, commands = 1): Promise<Reply[]> {
    const { clock, waitMs, lease } = this.#options
    let giveUpAt = clock.monotonicMs() + waitMs
    const longestAt = giveUpAt + MOST_QUEUED_MS
    for (;;) {
      const link = this.#ready(stage) ?? (await this.#whenReady(stage, giveUpAt, commands))
      if (this.#slots.isFull) throw this.#unavailable("redis has too much to do", commands)
      const turn = this.#slots.take()
      if (turn !== undefined) giveUpAt += await turn
      try {
        if (giveUpAt > longestAt) throw this.#unavailable("redis has too much to do", commands)
        if (this.#ready(stage) !== link) continue
        const call = makeCall({ leaseUntil: String(lease.untilMs), hour: lease.hour, publishWord: link.publishWord })
        const reply = (await link.run(call)) as Reply[]
        if (reply[0] !== REFUSED.leaseOver) return reply
        this.#lapse(link)
      } catch (error) {
        if (!(error instanceof LinkLost)) throw error
      } finally {
        this.#slots.give()
      }
    }
  }

  /** Publishes: how many heard it. After a lost link once more, so the receiver must know it when it comes twice. */
  async publish(channel: string, message: Buffer, giveUpAt: number): Promise<number> {
    for (;;) {
      const link = this.#ready("up") ?? (await this.#whenReady("up", giveUpAt, 1))
      try {
        return await link.publish(channel, message)
      } catch (error) {
        if (!(error instanceof LinkLost)) throw error
      }
    }
  }

  /** Gives up the link, even one that is being opened. Whoever waits is refused. */
  close(): void {
    this.#isClosed = true
    this.#outages.stop()
    this.#away("closed")
    this.#link?.close("closed")
    this.#interrupt()
    this.#endPause()
    this.#release("leased")
    this.#release("up")
  }

  async #stayUp(onFirstUp: () => void): Promise<void> {
    const { backend, link: options, counters } = this.#options
    for (let failures = 0; !this.#isClosed; failures++) {
      const link = backend.open(options)
      this.#link = link
      try {
        await link.opened
        failures = 0
        try {
          while (link.isAlive && !this.#isClosed) await this.#stayLeased(link, onFirstUp)
        } finally {
          this.#lostAt = this.#options.clock.monotonicMs()
        }
        if (!this.#isClosed) this.#outages.failed(await link.lost)
      } catch (error) {
        link.close(error instanceof Error ? error.message : String(error))
        if (!this.#hasBeenUp && !(error instanceof LinkLost)) throw error
        if (!this.#isClosed) this.#outages.failed(error instanceof Error ? error.message : String(error))
      }
      if (this.#isClosed) return
      this.#away(await link.lost)
      counters.reconnects++
      await this.#pause(Math.min(BACKOFF_MOST_MS, BACKOFF_MS * 2 ** failures))
    }
  }

  /** From taking the lease to its end or the link's. */
  async #stayLeased(link: Link, onFirstUp: () => void): Promise<void> {
    const { lease, onLeaseEnded } = this.#options
    await lease.take(link)
    if (this.#isClosed) return
    let isOver = false
    let end = () => {}
    const over = new Promise<void>((resolve) => {
      end = () => {
        isOver = true
        resolve()
      }
    })
    this.#interrupt = end
    link.lost.then((reason) => {
      if (isOver) return
      this.#away(reason)
      end()
    })
    const stopKeeping = lease.keep(link, onLeaseEnded, () => this.#lapse(link))
    this.#away("the rooms are being restored")
    this.#stage = "leased"
    this.#release("leased")
    this.#resync(() => isOver).then(
      () => {
        if (isOver || this.#isClosed) return
        this.#stage = "up"
        this.#release("up")
        this.#outages.up()
        this.#hasBeenUp = true
        onFirstUp()
      },
      (error: unknown) => link.close(`rooms could not be restored: ${error}`),
    )
    await over
    stopKeeping()
  }

  /** Restores all rooms, after an earlier try has ended: its commands may need this very link to end. */
  #resync(isOver: () => boolean): Promise<void> {
    if (!this.#hasBeenUp) return Promise.resolve()
    const resync = this.#resyncing.then(async () => {
      if (isOver()) return
      this.#options.counters.resyncs++
      await this.#options.onResync()
    })
    this.#resyncing = resync.catch(() => {})
    return resync
  }

  /** The lease is over: nothing goes out before it is taken again and the rooms are restored. */
  #lapse(link: Link): void {
    if (link !== this.#link || this.#stage === "away") return
    this.#away("the lease of this node was over")
    this.#options.counters.leasesLost++
    this.#options.log.warn("our lease was over", {})
    this.#interrupt()
  }

  #away(reason: string): void {
    this.#stage = "away"
    this.#reason = reason
  }

  #ready(stage: Stage): Link | undefined {
    const link = this.#link
    if (link === undefined || !link.isAlive) return undefined
    if (this.#stage !== "up" && this.#stage !== stage) return undefined
    if (this.#options.lease.isHeld) return link
    this.#lapse(link)
    return undefined
  }

  async #whenReady(stage: Stage, giveUpAt: number, commands: number): Promise<Link> {
    const { clock } = this.#options
    for (;;) {
      const waitMs = giveUpAt - clock.monotonicMs()
      if (this.#isClosed || waitMs <= 0 || this.#waiting >= MOST_WAITING) {
        throw this.#unavailable("redis is away", commands)
      }
      this.#waiting += commands
      await new Promise<void>((resolve) => {
        const waiters = this.#waiters[stage]
        const wake = () => {
          stop()
          waiters.delete(wake)
          resolve()
        }
        const stop = clock.after(waitMs, wake)
        waiters.add(wake)
      })
      this.#waiting -= commands
      const link = this.#ready(stage)
      if (link !== undefined) return link
    }
  }

  #unavailable(reason: string, commands: number): StoreUnavailable {
    this.#options.counters.unavailable += commands
    return new StoreUnavailable(reason)
  }

  #release(stage: Stage): void {
    for (const wake of [...this.#waiters[stage]]) wake()
  }

  /** Between a half and the whole of `ms`, unless it is closed meanwhile. */
  #pause(ms: number): Promise<void> {
    const { clock, random } = this.#options
    return new Promise((resolve) => {
      const stop = clock.after(ms * (0.5 + random() / 2), resolve)
      this.#endPause = () => {
        stop()
        resolve()
      }
    })
  }
}
