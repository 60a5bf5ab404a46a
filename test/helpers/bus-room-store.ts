// A room store on a Bus: the way of one node to it, over a network that can be told to fail. It follows the same rules
// as the Redis store: commands and channel are two ordered streams that race each other; a lease; rooms restored before
// anything else goes after every break; commands repeated when their outcome was lost, and given up after a while.

import type { Ref } from "../../src/protocol/client-events.ts"
import { type ErrorId, StoreUnavailable } from "../../src/protocol/errors.ts"
import { makeNodeId, type NodeId, type PeerId, type RoomKey } from "../../src/protocol/ids.ts"
import type { StatusText } from "../../src/protocol/status.ts"
import type {
  JoinRequest,
  JoinResult,
  Member,
  Position,
  Relay,
  RoomListener,
  RoomSnapshot,
  RoomStore,
} from "../../src/rooms/room-store.ts"
import type { Bus, ChannelMessage } from "./bus.ts"
import type { VirtualTime } from "./virtual-time.ts"

/** 3 s: what the tests of the executable take too, a third of the default. */
export const LEASE_MS = 3_000

/** 5 s: how long a command waits for a store that is away, as in the Redis store. */
export const WAIT_MS = 5_000

/** Parts of a lease: between renewals, and between its end and the sweep. */
const RENEW_PART = 0.3
const MARGIN_PART = 0.05

/** 50 ms to 1 s between attempts to connect. */
const BACKOFF_MS = 50
const BACKOFF_MOST_MS = 1_000

/** What lies between a node and the bus. */
export interface Network {
  /** Whether a connection can be made. */
  isUp(): boolean
  /** Milliseconds a command takes on its way, or a reply. */
  commandMs(): number
  /** Milliseconds a message on the channel takes. */
  channelMs(): number
  /** Whether this message on the channel is lost in silence. */
  isLost(message: ChannelMessage): boolean
  /** When a command that was on its way as the connection broke arrives all the same; undefined: it never does. */
  lateMs(): number | undefined
  /** Hands something to the process, which takes it when it runs. */
  deliver(run: () => void): void
}

/** How far the way back to the bus must be for a command: `leased` for those that restore, `up` for all others. */
type Stage = "leased" | "up"

interface InFlight {
  hasArrived: boolean
  readonly execute: () => void
  readonly reject: (cause: unknown) => void
}

interface Connection {
  isAlive: boolean
  /** When the last thing sent arrives on either side: nothing overtakes it. */
  commandsAt: number
  repliesAt: number
  channelAt: number
  readonly inFlight: Set<InFlight>
  readonly lost: Promise<void>
  onLost: () => void
}

interface WaitingRelay {
  readonly node: NodeId
  readonly message: ChannelMessage
  readonly relay: Relay
  readonly ref: Ref
  readonly giveUpAt: number
}

class ConnectionLost extends Error {}

const LEASE_OVER = Symbol("the lease is over")

/** See the head of this file. */
export class BusRoomStore implements RoomStore {
  readonly node: NodeId = makeNodeId()
  /** Times it came back after a break. */
  resyncs = 0
  readonly #bus: Bus
  readonly #time: VirtualTime
  readonly #network: Network
  #listener: RoomListener | undefined
  #connection: Connection | undefined
  #isLeased = false
  #isUp = false
  #isClosed = false
  #leaseUntil = 0
  #heldSince = 0
  #birth = 0
  #cutAt = Number.NEGATIVE_INFINITY
  #interrupt: () => void = () => {}
  #waiters: { stage: Stage; wake: () => void }[] = []
  /** Relays not yet answered for, oldest first. */
  #relays: WaitingRelay[] = []
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

  start(listener: RoomListener): Promise<void> {
    this.#listener = listener
    return new Promise((resolve, reject) => {
      this.#stayUp(resolve).catch(reject)
    })
  }

  join(request: JoinRequest): Promise<JoinResult> {
    return this.#run("up", () => this.#bus.join(this.node, request))
  }

  leave(room: RoomKey, peer: PeerId, turn: number): Promise<Position | undefined> {
    return this.#run("up", () => this.#bus.leave(room, peer, turn))
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
    return this.#runOnce(() => this.#bus.snapshot(room))
  }

  restore(room: RoomKey, own: readonly Member[], others: readonly Member[]): Promise<RoomSnapshot> {
    this.#restored.add(room)
    return this.#runOnce(() => {
      if (!this.#bus.rooms.has(room)) for (const { node } of others) this.#grant(node)
      return this.#bus.restore(this.node, room, own, others)
    })
  }

  async close(): Promise<void> {
    const connection = this.#connection
    if (connection?.isAlive) {
      // A lease with members left, or with commands that may still arrive, ends by itself: others sweep behind it.
      const isClean = this.#time.now - this.#cutAt > LEASE_MS
      await this.#send(connection, () => {
        if (isClean && this.#bus.roomsOf(this.node).length === 0) this.#bus.leases.delete(this.node)
      }).catch(() => {})
    }
    this.#end()
  }

  /** The process is gone, from one moment to the next. */
  crash(): void {
    this.#end()
  }

  /** The connection breaks: what is on its way is lost, or comes late. */
  cut(): void {
    const connection = this.#connection
    if (connection === undefined || !connection.isAlive) return
    connection.isAlive = false
    this.#cutAt = this.#time.now
    this.#bus.channels.delete(this.node)
    for (const entry of connection.inFlight) {
      const lateMs = entry.hasArrived ? undefined : this.#network.lateMs()
      const { birth } = this.#bus
      // What is on its way to a server that goes ends with it.
      if (lateMs !== undefined) this.#time.after(lateMs, () => birth === this.#bus.birth && entry.execute())
    }
    this.#network.deliver(() => {
      connection.onLost()
      for (const { reject } of connection.inFlight) reject(new ConnectionLost())
    })
  }

  #end(): void {
    this.#isClosed = true
    this.#isLeased = this.#isUp = false
    this.cut()
    this.#interrupt()
    this.#release("leased")
    this.#release("up")
    this.#listener = undefined
  }

  async #stayUp(onFirstUp: () => void): Promise<void> {
    let isFirst = true
    for (let failures = 0; !this.#isClosed; failures++) {
      if (this.#network.isUp()) {
        const connection = this.#connect()
        try {
          while (connection.isAlive && !this.#isClosed) {
            await this.#comeUp(connection, isFirst)
            if (!this.#isUp) continue
            if (isFirst) onFirstUp()
            isFirst = false
            failures = 0
            await this.#untilInterrupted(connection)
          }
          await connection.lost
        } catch (cause) {
          if (!(cause instanceof ConnectionLost)) throw cause
        }
        this.#isLeased = this.#isUp = false
      }
      if (this.#isClosed) return
      const ms = Math.min(BACKOFF_MOST_MS, BACKOFF_MS * 2 ** failures)
      await new Promise<void>((resolve) => this.#after(ms, resolve))
    }
  }

  #connect(): Connection {
    const { promise: lost, resolve: onLost } = Promise.withResolvers<void>()
    const connection: Connection = {
      isAlive: true,
      commandsAt: 0,
      repliesAt: 0,
      channelAt: 0,
      inFlight: new Set(),
      lost,
      onLost,
    }
    this.#connection = connection
    this.#bus.channels.set(this.node, (message) => {
      if (this.#network.isLost(message)) return
      connection.channelAt = Math.max(connection.channelAt, this.#time.now + this.#network.channelMs())
      this.#after(connection.channelAt - this.#time.now, () => {
        if (connection.isAlive) this.#onMessage(message)
      })
    })
    return connection
  }

  async #comeUp(connection: Connection, isFirst: boolean): Promise<void> {
    await this.#renew(connection)
    this.#heldSince = this.#time.now
    let isInterrupted = false
    this.#interrupt = () => {
      isInterrupted = true
    }
    this.#isLeased = true
    this.#release("leased")
    if (!isFirst) {
      this.resyncs++
      await this.#resync()
    }
    if (isInterrupted || !connection.isAlive || this.#isClosed) return
    this.#isUp = true
    for (const waiting of [...this.#relays]) {
      if (this.#time.now < waiting.giveUpAt) this.#sendRelay(connection, waiting)
      else this.#settle(waiting, "unavailable")
    }
    this.#release("up")
  }

  /** Has the rooms with members here restored, then clears those that only the bus believes to have some. */
  async #resync(): Promise<void> {
    this.#restored.clear()
    await this.#listener?.onResync()
    try {
      for (const room of await this.#runOnce(() => this.#bus.roomsOf(this.node))) {
        if (!this.#restored.has(room)) await this.restore(room, [], [])
      }
    } catch (cause) {
      if (!(cause instanceof StoreUnavailable)) throw cause
    }
  }

  async #untilInterrupted(connection: Connection): Promise<void> {
    const interrupted = new Promise<void>((resolve) => {
      this.#interrupt = resolve
      connection.lost.then(resolve)
    })
    let isOver = false
    const keep = async (): Promise<void> => {
      if (isOver) return
      try {
        const { isHeld, ended } = await this.#renew(connection)
        if (!isHeld) return this.#lapse(connection)
        if (this.#time.now - this.#heldSince > LEASE_MS) for (const node of ended) this.#sweep(node)
        this.#after(LEASE_MS * RENEW_PART, keep)
      } catch (cause) {
        if (!(cause instanceof ConnectionLost)) throw cause
      }
    }
    this.#after(LEASE_MS * RENEW_PART, keep)
    await interrupted
    isOver = true
    this.#isUp = this.#isLeased = false
  }

  async #renew(connection: Connection): Promise<{ isHeld: boolean; ended: NodeId[] }> {
    const wasHeld = this.#time.now < this.#leaseUntil
    const { birth, held, until, ended } = await this.#send(connection, () => {
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

  #lapse(connection: Connection): void {
    if (connection !== this.#connection || !this.#isLeased) return
    this.#isLeased = this.#isUp = false
    this.#interrupt()
  }

  #ready(stage: Stage): Connection | undefined {
    const connection = this.#connection
    if (connection === undefined || !connection.isAlive) return undefined
    if (!(stage === "up" ? this.#isUp : this.#isLeased)) return undefined
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
        const reply = await this.#send(connection, () => (this.#time.now >= until ? LEASE_OVER : execute()))
        if (reply !== LEASE_OVER) return reply as Reply
        this.#lapse(connection)
      } catch (cause) {
        if (!(cause instanceof ConnectionLost)) throw cause
      }
    }
  }

  /** A command that is not repeated: whatever breaks it brings a resync, which knows better by then. */
  async #runOnce<Reply>(execute: () => Reply): Promise<Reply> {
    const connection = this.#ready("leased")
    if (connection === undefined) throw new StoreUnavailable("the bus is away")
    const until = this.#leaseUntil
    try {
      const reply = await this.#send(connection, () => (this.#time.now >= until ? LEASE_OVER : execute()))
      if (reply !== LEASE_OVER) return reply as Reply
      this.#lapse(connection)
    } catch (cause) {
      if (!(cause instanceof ConnectionLost)) throw cause
    }
    throw new StoreUnavailable("the bus went away")
  }

  async #whenReady(stage: Stage, giveUpAt: number): Promise<Connection> {
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

  /** One command down the connection and its reply back, both in order. */
  #send<Reply>(connection: Connection, execute: () => Reply): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!connection.isAlive) return reject(new ConnectionLost())
      const entry: InFlight = { hasArrived: false, execute, reject }
      connection.inFlight.add(entry)
      connection.commandsAt = Math.max(connection.commandsAt, this.#time.now + this.#network.commandMs())
      this.#time.after(connection.commandsAt - this.#time.now, () => {
        if (!connection.isAlive) return
        entry.hasArrived = true
        const reply = execute()
        connection.repliesAt = Math.max(connection.repliesAt, this.#time.now + this.#network.commandMs())
        this.#after(connection.repliesAt - this.#time.now, () => {
          if (!connection.isAlive) return
          connection.inFlight.delete(entry)
          resolve(reply)
        })
      })
    })
  }

  #sendRelay(connection: Connection, waiting: WaitingRelay): void {
    this.#send(connection, () => this.#bus.publish(waiting.node, waiting.message)).then(
      (isHeard) => this.#settle(waiting, isHeard ? undefined : "peer_unreachable"),
      // It stays in the list, and goes again when the bus is back.
      () => {},
    )
  }

  #settle(waiting: WaitingRelay, error: ErrorId | undefined): void {
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
