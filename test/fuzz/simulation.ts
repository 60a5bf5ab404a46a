// The seeded simulation: clients on three nodes of the real rooms and the real cluster store, the real Lua files in a simulated
// Redis that fails in every way Redis and a network can, and time that belongs to the seed. Clients check each event; when
// all is quiet again their views, the nodes and Redis are compared with the truth (truth.ts).

import type { PeerId } from "../../src/rooms/ids.ts"
import { Random } from "../helpers/random.ts"
import { VirtualTime } from "../helpers/virtual-time.ts"
import { FAULTS, Faults } from "./faults.ts"
import { SimulatedMachine } from "./machine.ts"
import { SimulatedRedis } from "./redis/server.ts"
import type { SimulatedClient } from "./simulated-client.ts"
import { BEGIN_UNIX_MS, SimulatedNode, type World } from "./simulated-node.ts"
import { Story } from "./story.ts"
import { findLeftovers, findUntruths, ROOM_NAMES, ROOMS } from "./truth.ts"

const NODES = 3

/** 14 on three nodes, in three rooms of five: several of one room on one node, and rooms that come and go. */
const MOST_CLIENTS = 14

/**
 * 25 s: links are found dead (1 s), leases end (3 s, and as much again when Redis's clock was set back), dead nodes are
 * swept (a lease after a survivor's own return), commands given up (5 s).
 */
const QUIET_MS = 25_000

/** 2 s: a round trip, the wait for an event that does not come (500 ms) and a repair. */
const NUDGE_MS = 2_000

/** What clients do. */
const ACTIONS = { connect: 6, join: 10, leave: 4, status: 5, relay: 20, close: 3, wait: 10 }

/** 20 batches before 2^32, where a number of 32 bits would end. */
const BATCHES_LEFT = 20

/** What a run was like. */
export interface SimulationResult {
  readonly steps: number
  readonly faults: number
  /** Batches that took the short way between nodes of one machine. */
  readonly near: number
}

/**
 * Runs one seed: so many actions of clients, with quiet in between and at the end.
 * @param isOneMachine whether all nodes are on one machine
 * @throws an Error that tells what was broken, and what led to it
 */
export function simulate(seed: number, actions: number, isOneMachine = false): SimulationResult {
  return new Simulation(seed, isOneMachine).run(actions)
}

class Simulation implements World {
  isRedisUp = true
  readonly random: Random
  readonly time = new VirtualTime()
  readonly redis = new SimulatedRedis(() => BEGIN_UNIX_MS + this.time.now)
  readonly machine: SimulatedMachine | undefined
  readonly nodes: SimulatedNode[] = []
  readonly #seed: number
  readonly #clients = new Map<PeerId, SimulatedClient>()
  readonly #profile: Record<keyof typeof ACTIONS, number>
  readonly #faults: Faults
  readonly #faultProbability: number
  readonly #story = new Story()
  readonly #violations: string[] = []
  readonly #isNearLastBatch: boolean
  /** In which stay they have spoken to all others. */
  readonly #greeted = new WeakMap<SimulatedClient, number>()
  #names = 0
  #values = 0

  constructor(seed: number, isOneMachine: boolean) {
    this.#seed = seed
    this.random = new Random(seed)
    if (isOneMachine) this.machine = new SimulatedMachine(this.time, this.random)
    this.#profile = this.random.mixed(ACTIONS)
    this.#faults = new Faults(this, this.random.mixed(FAULTS), (node) => this.#replace(node))
    this.#faultProbability = this.random.pick([0, 0.01, 0.03, 0.1]) ?? 0
    this.#isNearLastBatch = this.random.chance(0.2)
  }

  get lastBatch(): number {
    return this.#isNearLastBatch ? 2 ** 32 - 1 - this.random.below(BATCHES_LEFT) : 0
  }

  run(actions: number): SimulationResult {
    for (let count = 0; count < NODES; count++) this.#startNode()
    this.#advance(100)
    let untilQuiet = this.random.below(300)
    for (let done = 0; done < actions; done++) {
      if (this.machine !== undefined) this.#greet()
      this.#act()
      if (this.random.chance(this.#faultProbability)) this.#faults.break()
      this.#advance(this.random.chance(0.7) ? this.random.next() : this.random.next() * 40)
      if (untilQuiet-- > 0) continue
      untilQuiet = this.random.below(300)
      this.#settle()
    }
    this.#settle()
    for (const client of this.#living()) {
      if (this.random.chance(0.5)) client.close()
      else client.leave()
    }
    this.#settle()
    for (const leftover of findLeftovers(this.redis, this.nodes)) this.report(leftover)
    if (this.#violations.length > 0) this.#fail()
    return { steps: this.time.steps, faults: this.#faults.count, near: this.machine?.count.taken ?? 0 }
  }

  trace(line: string): void {
    this.#story.add(this.time.now, line)
  }

  report(what: string): void {
    this.trace(`VIOLATION ${what}`)
    this.#violations.push(what)
  }

  #startNode(): void {
    const node = new SimulatedNode(`node${++this.#names}`, this)
    this.nodes.push(node)
    node.start()
  }

  #replace(node: SimulatedNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1)
    this.#startNode()
  }

  #advance(ms: number): void {
    this.time.runUntil(this.time.now + ms)
    if (this.#violations.length > 0) this.#fail()
  }

  #living(): SimulatedClient[] {
    return [...this.#clients.values()].filter(({ isClosed }) => !isClosed)
  }

  #act(): void {
    const action = this.random.weighted(this.#profile)
    if (action === "wait") {
      this.#advance(this.random.next() * 300)
      return
    }
    if (action === "connect" || this.#living().length < 4) {
      this.#connect()
      return
    }
    const client = this.random.pick(this.#living())
    const node = this.nodes.find(({ clients }) => client !== undefined && clients.has(client))
    if (client === undefined || node === undefined) return
    // What it sends waits while its node is stopped, as in the buffers of a socket.
    node.deliver(() => {
      if (!client.isClosed) this.#clientActs(action, client)
    })
  }

  #clientActs(action: Exclude<keyof typeof ACTIONS, "wait" | "connect">, client: SimulatedClient): void {
    switch (action) {
      case "join":
        client.join(this.random.pick(ROOMS) ?? "", ++this.#values)
        break
      case "leave":
        client.leave()
        break
      case "status":
        client.updateStatus(++this.#values)
        break
      case "relay": {
        const known = [...client.view.keys()]
          .map((peer) => this.#clients.get(peer))
          .filter((peer) => peer !== undefined)
        const anybody = () => this.random.pick(this.#living())
        const to = this.random.chance(0.1) ? anybody() : (this.random.pick(known) ?? anybody())
        if (to === undefined) return
        for (let count = 1 + this.random.below(3); count > 0; count--) client.relay(to, ++this.#values)
        return
      }
      case "close":
        this.trace(`${client.name} closes`)
        client.close()
        break
    }
  }

  /** Whoever has just come in speaks to all others, who may not have heard of it. */
  #greet(): void {
    for (const client of this.#living()) {
      if (client.room === undefined || this.#greeted.get(client) === client.stay) continue
      this.#greeted.set(client, client.stay)
      const node = this.nodes.find(({ clients }) => clients.has(client))
      const others = this.#living().filter(({ peer }) => client.view.has(peer))
      for (const other of others) node?.deliver(() => client.relay(other, ++this.#values))
    }
  }

  #connect(): void {
    const node = this.random.pick(this.nodes.filter(({ isServing }) => isServing))
    if (node === undefined || this.#living().length >= MOST_CLIENTS) return
    node.deliver(() => {
      const client = node.connect(`client${++this.#names}@${node.name}`, (room) => this.redis.logs.get(room) ?? [])
      this.#clients.set(client.peer, client)
    })
  }

  /** Ends all faults, waits until all is quiet, and compares. */
  #settle(): void {
    this.trace("all faults end")
    this.#faults.end()
    this.#advance(QUIET_MS)
    // Only the next event of a room shows that the last one was lost on its way: here it is, in every room.
    for (const room of ROOMS) {
      const client = this.random.pick(this.#living().filter((client) => client.room === room))
      client?.updateStatus(++this.#values)
    }
    this.#advance(NUDGE_MS)
    this.trace("quiet")
    for (const untruth of findUntruths(this.redis, this.nodes, this.#living())) this.report(untruth)
    this.redis.beginLogs()
    for (const node of this.nodes) {
      node.isDisturbed = false
      for (const client of node.clients) {
        if (client.isClosed) node.clients.delete(client)
        else client.followLog()
        for (const numbers of client.heard.values()) numbers.splice(0, numbers.length - 1)
      }
    }
    for (const [peer, client] of this.#clients) if (client.isClosed) this.#clients.delete(peer)
    if (this.#violations.length > 0) this.#fail()
  }

  #fail(): never {
    const names = new Map<string, string>(ROOM_NAMES)
    for (const { peer, name } of this.#clients.values()) names.set(peer, name)
    throw new Error(`${this.#story.tell(this.#violations, names)}\n\nmake fuzz SEED=${this.#seed}`)
  }
}
