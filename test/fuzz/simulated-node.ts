// One simulated process: the real rooms, dialect and cluster store with their clients, and everything that can be wrong
// with it.

import type { Clock } from "../../src/clock.ts"
import { ClusterRoomStore } from "../../src/cluster/cluster-room-store.ts"
import { makeKeys } from "../../src/cluster/redis/keys.ts"
import type { NodeId, RoomKey } from "../../src/rooms/ids.ts"
import type { RoomEvent } from "../../src/rooms/room-store.ts"
import { PlainNode, type PlainOptions } from "../helpers/plain-node.ts"
import type { Random } from "../helpers/random.ts"
import type { VirtualTime } from "../helpers/virtual-time.ts"
import type { SimulatedMachine } from "./machine.ts"
import { makeSimulatedBackend, type SimulatedLink } from "./redis/link.ts"
import type { SimulatedRedis } from "./redis/server.ts"
import { SimulatedClient } from "./simulated-client.ts"

/** 5 members: rooms are full now and then. */
export const ROOM_SIZE = 5

/** 3 s: a third of the default, so a run of the same length sees more leases end. */
export const LEASE_MS = 3_000

/** Names of the simulated deployment: several partitions, so that relays of one pair of nodes take several ways. */
export const KEYS = makeKeys("sim", false, 2)

/** 1.75e12: some day in 2025, unix milliseconds; time begins there. */
export const BEGIN_UNIX_MS = 1.75e12

/** What a node lives in. */
export interface World {
  /** Whether Redis can be reached by anybody. */
  readonly isRedisUp: boolean
  readonly redis: SimulatedRedis
  readonly time: VirtualTime
  readonly random: Random
  /** On which all nodes are, if they are on one. */
  readonly machine?: SimulatedMachine | undefined
  /** Number of the relay batch before a node's first. */
  readonly lastBatch: number
  /** Keeps a line for the story of a failure. */
  trace(line: string): void
  /** Something was broken. */
  report(what: string): void
}

/** A client of another dialect than palava's. */
export interface Guest {
  readonly name: string
  readonly isClosed: boolean
  /** Its node has crashed: nobody hears that the connection ended. */
  vanish(): void
}

/** See the head of this file. */
export class SimulatedNode {
  readonly name: string
  readonly store: ClusterRoomStore
  readonly clients = new Set<SimulatedClient>()
  readonly guests = new Set<Guest>()
  isDisturbed = false
  isDead = false
  isStopping = false
  isIsolated = false
  isPaused = false
  lossProbability = 0
  /** Whether a message for it was lost. */
  hasLost = false
  delayMs = 0
  /** What it is made of, without a network. */
  readonly plain: PlainNode
  readonly #world: World
  #isReady = false
  #link: SimulatedLink | undefined
  #onScript: ((name: string) => void) | undefined
  #held: (() => void)[] = []
  #isFlushing = false

  /**
   * @param id how the others know it: its name, but where an id has to look like one
   * @param options what is another than in most runs
   */
  constructor(name: string, world: World, id: string = name, options: PlainOptions = {}) {
    const { time, random } = world
    this.name = name
    this.#world = world
    const clock: Clock = {
      monotonicMs: () => time.now,
      unixMs: () => BEGIN_UNIX_MS + time.now,
      after: (ms, call) => time.after(ms, () => this.deliver(call)),
      soon: (call) => time.after(0, () => this.deliver(call)),
    }
    this.store = new ClusterRoomStore({
      ...{ clock, keys: KEYS, node: id as NodeId, leaseSeconds: LEASE_MS / 1000, lastBatch: world.lastBatch },
      random: () => random.next(),
      neighbours: world.machine?.neighboursOf(this),
      backend: makeSimulatedBackend(world.redis, time, this.#makeNetwork(), (link) => {
        this.#link = link
      }),
      log: {
        info: (message) => world.trace(`${name}: ${message}`),
        warn: (message, fields) => {
          world.trace(`${name}: ${message} ${JSON.stringify(fields)}`)
          if (/^bug|failed|restored/.test(message)) world.report(`${name}: ${message}: ${JSON.stringify(fields)}`)
        },
      },
    })
    this.plain = new PlainNode(this.store, {
      clock,
      hooks: { joinedFields: () => undefined, events: new Map() },
      limits: { roomSize: ROOM_SIZE },
      log: {
        error: (fields, message) => {
          const { err } = fields as { err?: Error }
          world.report(`${name}: ${message}: ${err?.stack}`)
        },
        warn: () => {},
        info: () => {},
        debug: () => {},
      },
      ...options,
    })
  }

  /** Connects to Redis. */
  start(): void {
    this.plain.rooms.start().then(
      () => {
        this.#isReady = true
      },
      () => {},
    )
  }

  /** Whether it takes clients. */
  get isServing(): boolean {
    return this.#isReady && !this.isStopping
  }

  /** Rooms this node keeps. */
  get roomCount(): number {
    return this.plain.rooms.registry.size
  }

  /** A client of this node. */
  connect(name: string, logOf: (room: RoomKey) => readonly RoomEvent[]): SimulatedClient {
    const client = new SimulatedClient(name, {
      node: this.plain,
      logOf: (room) => (this.isDisturbed ? undefined : logOf(room)),
      report: (what) => this.#world.report(what),
      trace: (line) => this.#world.trace(line),
    })
    this.clients.add(client)
    return client
  }

  /** From here on its clients may be shown differences, until all has been quiet. */
  disturb(): void {
    this.isDisturbed = true
    for (const client of this.clients) client.log = undefined
  }

  /** The link to Redis breaks. */
  cut(): void {
    this.#link?.cut()
  }

  /** What is on its way to Redis and back vanishes from now on, in silence. */
  freeze(): void {
    if (this.#link !== undefined) this.#link.isHalfOpen = true
  }

  /** What comes from Redis unasked vanishes from now on: the subscriber's connection is dead, the other one lives. */
  deafen(): void {
    if (this.#link !== undefined) this.#link.isDeaf = true
  }

  /** Has something happen to this node while its next change of a room is on its way; undefined: not any more. */
  onNextChange(happen: (() => void) | undefined): void {
    this.#onScript = (name) => {
      if (happen === undefined || !/_rooms?$/.test(name)) return
      this.#onScript = undefined
      this.#world.time.after(0, happen)
    }
  }

  /** The process ends from one moment to the next; with its machine, if Redis does not hear of it. */
  crash(isHeard: boolean): void {
    if (isHeard) this.cut()
    else this.freeze()
    this.isDead = true
    for (const client of [...this.clients, ...this.guests]) client.vanish()
  }

  /** Stops in order. */
  async stop(): Promise<void> {
    this.isStopping = true
    await this.plain.close()
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
    this.#world.time.after(0, () => {
      if (!this.isPaused && !this.isDead) this.#held.shift()?.()
      this.#flush()
    })
  }

  #makeNetwork() {
    const { random } = this.#world
    return {
      connecting: () => {
        if (this.#world.isRedisUp && !this.isIsolated) return "works" as const
        return random.chance(0.5) ? ("refused" as const) : ("silent" as const)
      },
      commandMs: () => (random.chance(0.05) ? random.next() * 50 : random.next()) + random.next() * this.delayMs,
      // On one machine a message overtakes what comes from Redis.
      channelMs: () =>
        (random.chance(this.#world.machine === undefined ? 0.05 : 0.3) ? random.next() * 100 : random.next()) +
        random.next() * this.delayMs,
      isLost: () => {
        const isLost = random.chance(this.lossProbability)
        this.hasLost ||= isLost
        return isLost
      },
      lateMs: () => (random.chance(0.5) ? random.next() * 2 * LEASE_MS : undefined),
      onScript: (name: string) => this.#onScript?.(name),
      deliver: (run: () => void) => this.deliver(run),
    }
  }
}
