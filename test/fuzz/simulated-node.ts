// One simulated process: a hub with its store and its clients, and everything that can be wrong with it.

import { Clock } from "../../src/signaling/clock.ts"
import { Hub } from "../../src/signaling/hub.ts"
import type { Bus, ChannelMessage } from "../helpers/bus.ts"
import { BusRoomStore, LEASE_MS } from "../helpers/bus-room-store.ts"
import { LocalTopics } from "../helpers/local-topics.ts"
import type { Random } from "../helpers/random.ts"
import type { VirtualTime } from "../helpers/virtual-time.ts"
import type { SimulatedClient } from "./simulated-client.ts"

/** 5 members: rooms are full now and then. */
const ROOM_SIZE = 5

/** What a node lives in. */
export interface World {
  /** Whether the bus can be reached by anybody. */
  readonly isBusUp: boolean
  readonly bus: Bus
  readonly time: VirtualTime
  readonly random: Random
  /** Keeps a line for the story of a failure. */
  trace(line: string): void
  /** Something was broken. */
  report(what: string): void
}

/** Time of a hub that belongs to the simulation. */
class SimulatedClock extends Clock {
  readonly #node: SimulatedNode
  readonly #time: VirtualTime

  constructor(node: SimulatedNode, time: VirtualTime) {
    super()
    this.#node = node
    this.#time = time
  }

  override start(): void {}

  override stop(): void {}

  override after(ms: number, call: () => void): () => void {
    return this.#time.after(ms, () => this.#node.deliver(call))
  }
}

/** See the head of this file. */
export class SimulatedNode {
  readonly name: string
  readonly hub: Hub
  readonly topics = new LocalTopics()
  readonly store: BusRoomStore
  readonly clients = new Set<SimulatedClient>()
  isDisturbed = false
  isDead = false
  isStopping = false
  #isReady = false
  isIsolated = false
  isPaused = false
  lossProbability = 0
  delayMs = 0
  readonly #time: VirtualTime
  #held: (() => void)[] = []
  #isFlushing = false

  constructor(name: string, world: World) {
    const { bus, time, random } = world
    this.name = name
    this.#time = time
    this.store = new BusRoomStore(bus, time, {
      isUp: () => world.isBusUp && !this.isIsolated,
      commandMs: () => (random.chance(0.05) ? random.next() * 50 : random.next()),
      channelMs: () => (random.chance(0.05) ? random.next() * 100 : random.next()) + random.next() * this.delayMs,
      isLost: (message: ChannelMessage) => {
        if (!random.chance(this.lossProbability)) return false
        world.trace(`${name} does not hear ${JSON.stringify(message)}`)
        return true
      },
      lateMs: () => (random.chance(0.3) ? random.next() * LEASE_MS : undefined),
      deliver: (run) => this.deliver(run),
    })
    this.hub = new Hub({
      store: this.store,
      topics: this.topics,
      clock: new SimulatedClock(this, time),
      hooks: { joinedFields: () => undefined, events: new Map() },
      limits: { roomSize: ROOM_SIZE, ratePerSecond: 0, rateBurst: 1e9, pingSeconds: 25, deadSeconds: 50 },
      log: {
        error: (fields, message) => {
          const { err } = fields as { err?: Error }
          world.report(`${name}: ${message}: ${err?.stack}`)
        },
        warn: () => {},
        info: () => {},
        debug: () => {},
      },
    })
  }

  /** Connects to the bus. */
  start(): void {
    this.hub.start().then(() => {
      this.#isReady = true
    })
  }

  /** Whether it takes clients. */
  get isServing(): boolean {
    return this.#isReady && !this.isStopping
  }

  /** From here on its clients may be shown differences, until all has been quiet. */
  disturb(): void {
    this.isDisturbed = true
    for (const client of this.clients) client.log = undefined
  }

  /** Runs something of this process when it runs; in order, one thing at a time. */
  deliver(run: () => void): void {
    if (this.isDead) return
    if (this.isPaused || this.#held.length > 0) this.#held.push(run)
    else run()
  }

  resume(): void {
    this.isPaused = false
    if (!this.#isFlushing) this.#flush()
  }

  #flush(): void {
    this.#isFlushing = !this.isPaused && !this.isDead && this.#held.length > 0
    if (!this.#isFlushing) return
    this.#time.after(0, () => {
      if (!this.isPaused && !this.isDead) this.#held.shift()?.()
      this.#flush()
    })
  }
}
