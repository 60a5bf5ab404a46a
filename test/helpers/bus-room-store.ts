// A room store on a Bus. It goes by the same rules as the Redis store: a lease, and rooms restored before anything else
// goes after every break; commands repeated when their outcome was lost, and given up after a while; relays that come
// twice known by their numbers.

import { makeNodeId, type NodeId, type PeerId, type RoomKey } from "../../src/rooms/ids.ts"
import {
  type JoinRequest,
  type JoinResult,
  type Member,
  type Position,
  type Ref,
  type Relay,
  type RelayFailure,
  type RoomListener,
  type RoomSnapshot,
  type RoomStore,
  type StatusText,
  StoreUnavailable,
} from "../../src/rooms/room-store.ts"
import type { Bus, ChannelMessage } from "./bus.ts"
import { BusConnection, ConnectionLost, type Network } from "./bus-connection.ts"
import type { VirtualTime } from "./virtual-time.ts"

/** 3 s: a third of the default, so a run of the same length sees more leases end. */
export const LEASE_MS = 3_000

/** 5 s: how long a command waits for a store that is away, as in the Redis store. */
const WAIT_MS = 5_000

/** Parts of a lease: between renewals, and between its end and the sweep. As in the Redis store. */
const RENEW_PART = 0.3
const MARGIN_PART = 0.05

/** 50 ms to 1 s between attempts to connect. */
const BACKOFF_MS = 50
const BACKOFF_MOST_MS = 1_000

/** How far the way back to the bus must be for a command: `leased` for those that restore, `up` for all others. */
type Stage = "leased" | "up"

interface WaitingRelay {
  readonly node: NodeId
  readonly message: ChannelMessage
  readonly relay: Relay
  readonly ref: Ref
  readonly giveUpAt: number
}

const LEASE_OVER = Symbol("the lease is over")

/** See the head of this file. */
export class BusRoomStore implements RoomStore {
  readonly node: NodeId = makeNodeId()
  readonly #bus: Bus
  readonly #time: VirtualTime
  readonly #network: Network
  #listener: RoomListener | undefined
  #connection: BusConnection | undefined
  #stage: "away" | Stage = "away"
  #hasBeenUp = false
  #isClosed = false
  #leaseUntil = 0
  #heldSince = 0
  #birth = 0
  #cutAt = Number.NEGATIVE_INFINITY
  #resyncing: Promise<void> = Promise.resolve()
  /** Ends the current lease's stay. */
  #interrupt: () => void = () => {}
  #waiters: { stage: Stage; wake: () => void }[] = []
  /** Relays not yet answered for, oldest first. */
  readonly #relays: WaitingRelay[] = []
  #relayNumber = 0
  /** Number of the last relay of each sender: what comes again is let go. */
  readonly #heard = new Map<NodeId, number>()
  /** Rooms restored by the resync under way. */
  readonly #restored = new Set<RoomKey>()
  readonly #sweeping = new Set<NodeId>()

  constructor(bus: Bus, time: VirtualTime, network: Network) {
    this.#bus = bus
    this.#time = time
    this.#network = network
  }

  /** Whether it has taken its lease since the bus last lost everything. */
  get hasSeenBirth(): boolean {
    return this.#birth === this.#bus.birth
  }

  start(listener: RoomListener): Promise<void> {
    this.#listener = listener
    return new Promise((resolve, reject) => {
      this.#stayUp(resolve).catch(reject)
    })
  }

  join(request: JoinRequest): Promise<JoinResult> {
    return this.#run("up", () => this.#bus.join(this.node, request))
  }

  leave(room: RoomKey, peer: PeerId, generation: number): Promise<Position | undefined> {
    return this.#run("up", () => this.#bus.leave(room, peer, generation))
  }

  updateStatus(room: RoomKey, peer: PeerId, rev: number, status: StatusText): Promise<Position | undefined> {
    return this.#run("up", () => this.#bus.updateStatus(room, peer, rev, status))
  }

  relay(node: NodeId, relay: Relay, ref: Ref): void {
    const message: ChannelMessage = { kind: "relay", sender: this.node, number: ++this.#relayNumber, relay }
    const waiting = { node, message, relay, ref, giveUpAt: this.#time.now + WAIT_MS }
    this.#relays.push(waiting)
    const connection = this.#ready("up")
    if (connection !== undefined) this.#sendRelay(connection, waiting)
  }

  snapshot(room: RoomKey): Promise<RoomSnapshot> {
    return this.#run("leased", () => this.#bus.snapshot(room))
  }

  restore(room: RoomKey, own: readonly Member[], others: readonly Member[]): Promise<RoomSnapshot> {
    this.#restored.add(room)
    return this.#run("leased", () => {
      if (!this.#bus.rooms.has(room)) for (const { node } of others) this.#grant(node)
      return this.#bus.restore(this.node, room, own, others)
    })
  }

  async close(): Promise<void> {
    const connection = this.#connection
    // A lease behind which commands may still arrive ends by itself, and others sweep behind it.
    const isClean = this.#time.now - this.#cutAt > LEASE_MS
    if (connection?.isAlive) {
      await connection
        .send(() => {
          for (const room of this.#bus.roomsOf(this.node)) this.#bus.sweep(this.node, room)
          if (isClean) this.#bus.leases.delete(this.node)
        })
        .catch(() => {})
    }
    this.#end()
  }

  /** The process is gone, from one moment to the next. */
  crash(): void {
    this.#end()
  }

  /** The connection breaks. */
  cut(): void {
    this.#cutAt = this.#time.now
    this.#connection?.cut()
  }

  #end(): void {
    this.#isClosed = true
    this.#stage = "away"
    this.cut()
    this.#interrupt()
    this.#release("leased")
    this.#release("up")
    this.#listener = undefined
  }

  async #stayUp(onFirstUp: () => void): Promise<void> {
    for (let failures = 0; !this.#isClosed; failures++) {
      if (this.#network.isUp()) {
        const connection = new BusConnection(this.node, this.#bus, this.#time, this.#network, (message) =>
          this.#onMessage(message),
        )
        this.#connection = connection
        failures = 0
        try {
          while (connection.isAlive && !this.#isClosed) await this.#stayLeased(connection, onFirstUp)
          await connection.lost
        } catch (cause) {
          if (!(cause instanceof ConnectionLost)) throw cause
        }
        this.#stage = "away"
      }
      if (this.#isClosed) return
      const ms = Math.min(BACKOFF_MOST_MS, BACKOFF_MS * 2 ** failures)
      await new Promise<void>((resolve) => this.#after(ms, resolve))
    }
  }

  /** From taking the lease to its end or the connection's. */
  async #stayLeased(connection: BusConnection, onFirstUp: () => void): Promise<void> {
    await this.#renew(connection)
    this.#heldSince = this.#time.now
    let isOver = false
    const over = new Promise<void>((resolve) => {
      this.#interrupt = () => {
        isOver = true
        resolve()
      }
    })
    connection.lost.then(this.#interrupt)
    this.#after(LEASE_MS * RENEW_PART, () => this.#keep(connection, () => isOver))
    this.#stage = "leased"
    this.#release("leased")
    this.#resync(() => isOver).then(
      () => {
        if (isOver || this.#isClosed) return
        this.#stage = "up"
        this.#sendRelays(connection)
        this.#release("up")
        this.#hasBeenUp = true
        onFirstUp()
      },
      () => this.cut(),
    )
    await over
    this.#stage = "away"
  }

  /** Renews the lease in time, and sweeps those whose lease is over. */
  async #keep(connection: BusConnection, isOver: () => boolean): Promise<void> {
    if (isOver()) return
    try {
      const { isHeld, ended } = await this.#renew(connection)
      if (!isHeld) return this.#lapse(connection)
      if (this.#time.now - this.#heldSince > LEASE_MS) for (const node of ended) this.#sweep(node)
      this.#after(LEASE_MS * RENEW_PART, () => this.#keep(connection, isOver))
    } catch (cause) {
      if (!(cause instanceof ConnectionLost)) throw cause
    }
  }

  /** Has the rooms with members here restored, after an earlier try has ended; then clears those only the bus knows. */
  #resync(isOver: () => boolean): Promise<void> {
    if (!this.#hasBeenUp) return Promise.resolve()
    const resync = this.#resyncing.then(async () => {
      if (isOver()) return
      this.#restored.clear()
      await this.#listener?.onResync()
      for (const room of await this.#run("leased", () => this.#bus.roomsOf(this.node))) {
        if (!this.#restored.has(room)) await this.restore(room, [], [])
      }
    })
    this.#resyncing = resync.catch(() => {})
    return resync
  }

  async #renew(connection: BusConnection): Promise<{ isHeld: boolean; ended: NodeId[] }> {
    const wasHeld = this.#time.now < this.#leaseUntil
    const { birth, held, until, ended } = await connection.send(() => {
      const { now } = this.#time
      const held = (this.#bus.leases.get(this.node) ?? 0) > now
      this.#bus.leases.set(this.node, now + LEASE_MS)
      const over = [...this.#bus.leases].filter(([, until]) => until <= now - LEASE_MS * MARGIN_PART)
      return { birth: this.#bus.birth, held, until: now + LEASE_MS, ended: over.map(([node]) => node) }
    })
    this.#leaseUntil = until
    // Another node may have given us a lease since all was lost.
    const isKept = birth === this.#birth
    this.#birth = birth
    return { isHeld: held && wasHeld && isKept, ended }
  }

  /** Takes a dead node out of its rooms, one by one. */
  async #sweep(dead: NodeId): Promise<void> {
    if (this.#sweeping.has(dead)) return
    this.#sweeping.add(dead)
    const isOver = (): boolean => (this.#bus.leases.get(dead) ?? 0) <= this.#time.now
    try {
      for (const room of await this.#run("up", () => this.#bus.roomsOf(dead))) {
        if (!(await this.#run("up", isOver))) return
        await this.#run("up", () => this.#bus.sweep(dead, room))
      }
      await this.#run("up", () => isOver() && this.#bus.leases.delete(dead))
    } catch (cause) {
      if (!(cause instanceof StoreUnavailable)) throw cause
    } finally {
      this.#sweeping.delete(dead)
    }
  }

  #grant(node: NodeId): void {
    if (!this.#bus.leases.has(node)) this.#bus.leases.set(node, this.#time.now + LEASE_MS)
  }

  #lapse(connection: BusConnection): void {
    if (connection !== this.#connection || this.#stage === "away") return
    this.#stage = "away"
    this.#interrupt()
  }

  #ready(stage: Stage): BusConnection | undefined {
    const connection = this.#connection
    if (connection === undefined || !connection.isAlive) return undefined
    if (this.#stage !== "up" && this.#stage !== stage) return undefined
    if (this.#time.now < this.#leaseUntil) return connection
    this.#lapse(connection)
    return undefined
  }

  async #run<Reply>(stage: Stage, execute: () => Reply): Promise<Reply> {
    const giveUpAt = this.#time.now + WAIT_MS
    for (;;) {
      const connection = this.#ready(stage) ?? (await this.#whenReady(stage, giveUpAt))
      const until = this.#leaseUntil
      try {
        const reply = await connection.send(() => (this.#time.now >= until ? LEASE_OVER : execute()))
        if (reply !== LEASE_OVER) return reply as Reply
        this.#lapse(connection)
      } catch (cause) {
        if (!(cause instanceof ConnectionLost)) throw cause
      }
    }
  }

  async #whenReady(stage: Stage, giveUpAt: number): Promise<BusConnection> {
    for (;;) {
      const waitMs = giveUpAt - this.#time.now
      if (this.#isClosed || waitMs <= 0) throw new StoreUnavailable("the bus is away")
      await new Promise<void>((wake) => {
        this.#waiters.push({ stage, wake })
        this.#after(waitMs, wake)
      })
      const connection = this.#ready(stage)
      if (connection !== undefined) return connection
    }
  }

  #release(stage: Stage): void {
    const waiters = this.#waiters
    this.#waiters = waiters.filter((waiter) => waiter.stage !== stage)
    for (const waiter of waiters) if (waiter.stage === stage) waiter.wake()
  }

  #sendRelays(connection: BusConnection): void {
    for (const waiting of [...this.#relays]) {
      if (this.#time.now < waiting.giveUpAt) this.#sendRelay(connection, waiting)
      else this.#settle(waiting, "unavailable")
    }
  }

  #sendRelay(connection: BusConnection, waiting: WaitingRelay): void {
    connection
      .send(() => this.#bus.publish(waiting.node, waiting.message))
      .then(
        (isHeard) => this.#settle(waiting, isHeard ? undefined : "peer_unreachable"),
        // It stays in the list, and goes again when the bus is back.
        () => {},
      )
  }

  #settle(waiting: WaitingRelay, error: RelayFailure | undefined): void {
    const at = this.#relays.indexOf(waiting)
    if (at >= 0) this.#relays.splice(at, 1)
    if (error !== undefined) this.#listener?.onRelayFailed(waiting.relay.from, waiting.ref, error)
  }

  #onMessage(message: ChannelMessage): void {
    if (message.kind === "events") {
      for (const event of message.events) this.#listener?.onRoomEvent(message.room, event)
    } else if (message.number > (this.#heard.get(message.sender) ?? 0)) {
      this.#heard.set(message.sender, message.number)
      this.#listener?.onRelay(message.relay)
    }
  }

  /** Later, if the process runs then; else when it does. */
  #after(ms: number, run: () => void): void {
    this.#time.after(ms, () => this.#network.deliver(run))
  }
}
