// Keeps this node's way to Redis: connects, holds the lease, has the rooms restored, and lets commands through when all
// of that holds. Every fate of a connection or a lease ends here in the same three steps, so there is one way back:
//
//   connected and subscribed → lease taken (restore and snapshot may go) → rooms restored (everything may go)
//
// Whoever comes earlier waits, bounded in time and number, and is refused with StoreUnavailable.

import { setTimeout as sleep } from "node:timers/promises"
import { StoreUnavailable } from "../rooms/room-store.ts"
import type { ClusterCounters } from "./counters.ts"
import type { Lease } from "./lease.ts"
import { Connection, ConnectionLost, type ConnectionOptions } from "./redis/connection.ts"
import { REFUSED, type Reply, type ScriptCall } from "./redis/scripts.ts"

/** Where the store writes what an operator should know. */
export interface ClusterLog {
  info(message: string, fields: Readonly<Record<string, unknown>>): void
  warn(message: string, fields: Readonly<Record<string, unknown>>): void
}

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
  readonly connection: ConnectionOptions
  readonly lease: Lease
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

/** One node's way to Redis. */
export class Uplink {
  readonly #options: UplinkOptions
  readonly #closing = new AbortController()
  #connection: Connection | undefined
  #stage: "away" | Stage = "away"
  #hasBeenUp = false
  #resyncing: Promise<void> = Promise.resolve()
  /** Ends the current lease's stay, however far it came. */
  #interrupt: () => void = () => {}
  #waiting = 0
  readonly #waiters: Record<Stage, Set<() => void>> = { leased: new Set(), up: new Set() }

  constructor(options: UplinkOptions) {
    this.#options = options
  }

  /** Whether commands are answered now. */
  get state(): "up" | "away" {
    return this.#stage === "up" ? "up" : "away"
  }

  /** The connection, if commands of `leased` may go now. */
  get connection(): Connection | undefined {
    return this.#ready("leased")
  }

  /** Comes up and stays so until closed. Resolves the first time; rejects when this can never be the right Redis. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stayUp(resolve).catch(reject)
    })
  }

  /** Sends a script once the `stage` is reached; again, when its outcome was lost. Every script is safe to repeat. */
  async run(stage: Stage, makeCall: (terms: Terms) => ScriptCall): Promise<Reply[]> {
    const giveUpAt = performance.now() + this.#options.waitMs
    for (;;) {
      const connection = this.#ready(stage) ?? (await this.#whenReady(stage, giveUpAt))
      const { untilMs, hour } = this.#options.lease
      try {
        const call = makeCall({ leaseUntil: String(untilMs), hour, publishWord: connection.publishWord })
        const reply = (await connection.run(call)) as Reply[]
        if (reply[0] !== REFUSED.leaseOver) return reply
        this.#lapse(connection)
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
      }
    }
  }

  /** Publishes: how many heard it. After a lost connection once more, so the receiver must know it when it comes twice. */
  async publish(channel: string, message: Buffer, giveUpAt: number): Promise<number> {
    for (;;) {
      const connection = this.#ready("up") ?? (await this.#whenReady("up", giveUpAt))
      try {
        return await connection.publish(channel, message)
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
      }
    }
  }

  /** Gives up the connection. Whoever waits is refused. */
  close(): void {
    this.#closing.abort()
    this.#connection?.close("closed")
    this.#stage = "away"
    this.#release("leased")
    this.#release("up")
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  async #stayUp(onFirstUp: () => void): Promise<void> {
    const { connection: options, counters, log } = this.#options
    let failures = 0
    while (!this.#isClosed) {
      try {
        const connection = await Connection.open(options)
        this.#connection = connection
        failures = 0
        while (connection.isAlive && !this.#isClosed) await this.#stayLeased(connection, onFirstUp)
        if (!this.#isClosed) log.warn("redis connection lost", { reason: await connection.lost })
      } catch (error) {
        this.#connection?.close("replaced")
        if (!this.#hasBeenUp && !(error instanceof ConnectionLost)) throw error
        if (!this.#isClosed) log.warn("redis cannot be used", { reason: String(error), failures })
      }
      if (this.#isClosed) return
      counters.reconnects++
      const backoffMs = Math.min(BACKOFF_MOST_MS, BACKOFF_MS * 2 ** failures++) * (0.5 + Math.random() / 2)
      await sleep(backoffMs, undefined, { signal: this.#closing.signal }).catch(() => {})
    }
  }

  /** From taking the lease to its end or the connection's. */
  async #stayLeased(connection: Connection, onFirstUp: () => void): Promise<void> {
    const { lease, log, onLeaseEnded } = this.#options
    await lease.take(connection)
    if (this.#isClosed) return
    let isOver = false
    const over = new Promise<void>((resolve) => {
      this.#interrupt = () => {
        isOver = true
        resolve()
      }
    })
    connection.lost.then(this.#interrupt)
    const stopKeeping = lease.keep(connection, onLeaseEnded, () => this.#lapse(connection))
    this.#stage = "leased"
    this.#release("leased")
    this.#resync(() => isOver).then(
      () => {
        if (isOver || this.#isClosed) return
        this.#stage = "up"
        this.#release("up")
        if (this.#hasBeenUp) log.info("redis is back", {})
        this.#hasBeenUp = true
        onFirstUp()
      },
      (error: unknown) => connection.close(`rooms could not be restored: ${error}`),
    )
    await over
    stopKeeping()
    this.#stage = "away"
  }

  /** Restores all rooms, after an earlier try has ended: its commands may need this very connection to end. */
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
  #lapse(connection: Connection): void {
    if (connection !== this.#connection || this.#stage === "away") return
    this.#stage = "away"
    this.#options.counters.leasesLost++
    this.#options.log.warn("our lease was over", {})
    this.#interrupt()
  }

  #ready(stage: Stage): Connection | undefined {
    const connection = this.#connection
    if (connection === undefined || !connection.isAlive) return undefined
    if (this.#stage !== "up" && this.#stage !== stage) return undefined
    if (this.#options.lease.isHeld) return connection
    this.#lapse(connection)
    return undefined
  }

  async #whenReady(stage: Stage, giveUpAt: number): Promise<Connection> {
    for (;;) {
      const waitMs = giveUpAt - performance.now()
      if (this.#isClosed || waitMs <= 0 || this.#waiting >= MOST_WAITING) {
        this.#options.counters.unavailable++
        throw new StoreUnavailable("redis is away")
      }
      this.#waiting++
      await new Promise<void>((resolve) => {
        const waiters = this.#waiters[stage]
        const wake = () => {
          clearTimeout(timer)
          waiters.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, waitMs)
        waiters.add(wake)
      })
      this.#waiting--
      const connection = this.#ready(stage)
      if (connection !== undefined) return connection
    }
  }

  #release(stage: Stage): void {
    for (const wake of [...this.#waiters[stage]]) wake()
  }
}
