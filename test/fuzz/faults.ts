// Everything that breaks in a simulated run: nodes, the network between them and Redis, and Redis itself.

import type { Random } from "../helpers/random.ts"
import type { VirtualTime } from "../helpers/virtual-time.ts"
import { RedisData } from "./redis/data.ts"
import type { SimulatedRedis } from "./redis/server.ts"
import { KEYS, LEASE_MS, type SimulatedNode } from "./simulated-node.ts"

/** What breaks, and how often beside the others. */
export const FAULTS = {
  loseMessages: 3,
  slow: 3,
  cut: 3,
  halfOpen: 2,
  deaf: 2,
  isolate: 2,
  pause: 2,
  crash: 1,
  stop: 1,
  redisAway: 1,
  redisEmpty: 0.5,
  redisOlder: 2,
  failOver: 2,
  flush: 0.5,
  evict: 0.5,
  clockJump: 0.5,
}

/** Milliseconds by which the data that Redis comes back with may be older, at most. */
const OLDER_MS = 2_000

/** Where it happens. */
export interface FaultyWorld {
  isRedisUp: boolean
  readonly redis: SimulatedRedis
  readonly nodes: readonly SimulatedNode[]
  readonly time: VirtualTime
  readonly random: Random
  trace(line: string): void
  report(what: string): void
}

/** See the head of this file. */
export class Faults {
  /** Faults so far. */
  count = 0
  readonly #world: FaultyWorld
  readonly #weights: Readonly<Record<keyof typeof FAULTS, number>>
  readonly #onGone: (node: SimulatedNode) => void
  /** Nodes that have not restored their rooms since Redis lost something, with their resyncs at that time. */
  readonly #unrestored = new Map<SimulatedNode, number>()

  /** @param onGone a node has ended; another takes its place */
  constructor(
    world: FaultyWorld,
    weights: Readonly<Record<keyof typeof FAULTS, number>>,
    onGone: (node: SimulatedNode) => void,
  ) {
    this.#world = world
    this.#weights = weights
    this.#onGone = onGone
  }

  /** Breaks something. */
  break(): void {
    const { nodes, random, redis, time } = this.#world
    const node = random.pick(nodes.filter(({ isServing }) => isServing))
    if (node === undefined) return
    const fault = random.weighted(this.#weights)
    const forMs = random.next() ** 2 * 3 * LEASE_MS
    this.#world.trace(`FAULT ${fault} ${node.name} ${forMs.toFixed(0)} ms`)
    this.count++
    switch (fault) {
      case "loseMessages":
        node.disturb()
        node.lossProbability = random.next()
        time.after(random.next() * 100, () => {
          node.lossProbability = 0
        })
        break
      case "slow":
        node.disturb()
        node.delayMs = random.next() * 2000
        time.after(forMs, () => {
          node.delayMs = 0
        })
        break
      case "cut":
        node.disturb()
        if (random.chance(0.5)) node.cut()
        else node.onNextChange(() => node.cut())
        break
      case "halfOpen":
        node.disturb()
        node.freeze()
        break
      case "deaf":
        node.disturb()
        node.deafen()
        break
      case "isolate":
        node.disturb()
        node.isIsolated = true
        if (random.chance(0.5)) node.cut()
        else node.freeze()
        time.after(forMs, () => {
          node.isIsolated = false
        })
        break
      case "pause":
        node.disturb()
        node.isPaused = true
        time.after(forMs, () => node.resume())
        break
      case "crash":
        if (random.chance(0.5)) this.#crash(node)
        else node.onNextChange(() => this.#crash(node))
        break
      case "stop":
        if (this.#isSwept) this.#stop(node)
        break
      case "redisAway":
        this.#takeAway(forMs)
        break
      case "redisEmpty":
        this.#takeAway(forMs)
        redis.becomes(new RedisData())
        this.#unrestored.clear()
        break
      case "redisOlder":
        this.#later(redis.data.copy(), () => this.#takeAway(forMs))
        break
      case "failOver":
        this.#later(redis.data.copy(), () => this.#takeAway(0))
        break
      case "flush":
        this.#disturbAll()
        redis.becomes(new RedisData())
        this.#lose()
        break
      case "evict":
        this.#evict()
        break
      case "clockJump":
        this.#disturbAll()
        redis.life++
        redis.clockAheadMs += random.chance(0.5) ? forMs : -random.next() * LEASE_MS
    }
  }

  /** Ends all of them. */
  end(): void {
    this.#world.isRedisUp = true
    for (const node of this.#world.nodes) {
      node.isIsolated = false
      node.lossProbability = 0
      node.delayMs = 0
      node.onNextChange(undefined)
      node.resume()
    }
  }

  /** Whether somebody would sweep behind a node: two faults in one breath can leave nobody who knows that it was. */
  get #isSwept(): boolean {
    for (const [node, resyncs] of this.#unrestored) {
      if (node.isDead || node.store.counters.resyncs > resyncs) this.#unrestored.delete(node)
    }
    return [...this.#unrestored.keys()].every(({ store }) => store.state === "up") && this.#unrestored.size === 0
  }

  #crash(node: SimulatedNode): void {
    if (!this.#isSwept || node.isDead || node.isStopping) return
    node.crash(this.#world.random.chance(0.7))
    this.#onGone(node)
  }

  #stop(node: SimulatedNode): void {
    node.deliver(() => {
      if (node.isStopping) return
      const clients = [...node.clients, ...node.guests]
      node.stop().then(() => {
        this.#world.trace(`${node.name} has stopped`)
        for (const client of clients) {
          if (!client.isClosed) this.#world.report(`${client.name} outlived its node`)
        }
        node.isDead = true
        this.#onGone(node)
      })
    })
  }

  /** Redis lives on until a moment from now, and then goes on with what it has at this one. */
  #later(data: RedisData, happen: () => void): void {
    const { random, redis, time } = this.#world
    const { life } = redis
    time.after(random.next() ** 2 * OLDER_MS, () => {
      // Another fault of Redis was faster.
      if (life !== redis.life || !this.#isSwept) return
      happen()
      this.#world.trace("Redis goes on with older data")
      redis.becomes(data)
    })
  }

  /** Drops all keys of a room, or any one key; whoever keeps the rooms finds out at the next reconnect. */
  #evict(): void {
    const { nodes, random, redis, time } = this.#world
    const living = new Set<string>(nodes.map(({ store }) => store.node))
    // What is kept of a node may go only when it has been swept, or has set right what it keeps: nobody could know then.
    const isDeadLeft = [...redis.data.scores(KEYS.leases).keys()].some((node) => !living.has(node))
    const isAllUp = nodes.every(({ store, isPaused }) => store.state === "up" && !isPaused)
    if (!this.#isSwept || isDeadLeft || !isAllUp) return
    this.#disturbAll()
    const keys = redis.data.keys().filter((key) => !key.includes(":stats:"))
    const key = random.pick(keys) ?? ""
    const room = /^(.*:room:[0-9a-f]{64})/.exec(key)?.[1]
    const evicted = room !== undefined && random.chance(0.5) ? keys.filter((each) => each.startsWith(room)) : [key]
    this.#world.trace(`evicted ${evicted}`)
    for (const each of evicted) redis.data.evict(each)
    redis.becomes(redis.data)
    this.#lose()
    for (const node of nodes) time.after(random.next() * LEASE_MS, () => node.cut())
  }

  #lose(): void {
    for (const node of this.#world.nodes) this.#unrestored.set(node, node.store.counters.resyncs)
  }

  #disturbAll(): void {
    for (const node of this.#world.nodes) node.disturb()
  }

  #takeAway(forMs: number): void {
    const { nodes, time } = this.#world
    this.#world.isRedisUp = false
    this.#disturbAll()
    for (const node of nodes) node.cut()
    time.after(forMs, () => {
      this.#world.isRedisUp = true
    })
  }
}
