// The seeded simulation of other dialects: clients of PeerJS and TogetherJS on three nodes, over the same simulated Redis
// and with the same faults as palava's (../simulation.ts). Each client checks what it hears; when all is quiet again,
// everybody is spoken to, and the nodes and Redis are compared with who is there.

import { makePeerJs } from "../../../src/dialects/peerjs/peerjs.ts"
import { makeTogetherJs } from "../../../src/dialects/togetherjs/togetherjs.ts"
import { Random } from "../../helpers/random.ts"
import { VirtualTime } from "../../helpers/virtual-time.ts"
import { FAULTS, Faults } from "../faults.ts"
import { SimulatedRedis } from "../redis/server.ts"
import { BEGIN_UNIX_MS, SimulatedNode, type World } from "../simulated-node.ts"
import { Story } from "../story.ts"
import { findLeftovers } from "../truth.ts"
import type { Cast } from "./cast.ts"
import { PeerJsCast } from "./peerjs.ts"
import { TogetherCast } from "./togetherjs.ts"

const NODES = 3

/** 25 s, as in palava's simulation; a claim of an id is given up after 5 s of it. */
const QUIET_MS = 25_000

/** 1 s: a round trip, the wait for an event that does not come (500 ms) and a repair. */
const NUDGE_MS = 1_000

/** 3 s: a message to the node where a peer was before that died comes back after 2, and takes its new way. */
const PROBE_MS = 3_000

/** What a run was like. */
export interface DialectResult {
  readonly steps: number
  readonly faults: number
}

/**
 * Runs one seed: so many actions of clients, with quiet in between and at the end.
 * @throws an Error that tells what was broken, and what led to it
 */
export function simulateDialects(seed: number, actions: number): DialectResult {
  return new DialectSimulation(seed).run(actions)
}

class DialectSimulation implements World {
  isRedisUp = true
  readonly random: Random
  readonly time = new VirtualTime()
  readonly redis = new SimulatedRedis(() => BEGIN_UNIX_MS + this.time.now)
  readonly nodes: SimulatedNode[] = []
  readonly lastBatch = 0
  readonly #seed: number
  readonly #casts: readonly Cast[]
  readonly #faults: Faults
  readonly #faultProbability: number
  readonly #story = new Story()
  readonly #violations: string[] = []
  #names = 0

  constructor(seed: number) {
    this.#seed = seed
    this.random = new Random(seed)
    this.#casts = [new PeerJsCast(this, () => this.nodes), new TogetherCast(this, () => this.nodes)]
    this.#faults = new Faults(this, this.random.mixed(FAULTS), (node) => this.#replace(node))
    this.#faultProbability = this.random.pick([0, 0.01, 0.03, 0.1]) ?? 0
  }

  run(actions: number): DialectResult {
    for (let count = 0; count < NODES; count++) this.#startNode()
    this.#advance(100)
    let untilQuiet = this.random.below(300)
    for (let done = 0; done < actions; done++) {
      this.random.pick(this.#casts)?.act()
      if (this.random.chance(this.#faultProbability)) this.#faults.break()
      this.#advance(this.random.chance(0.7) ? this.random.next() : this.random.next() * 100)
      if (untilQuiet-- > 0) continue
      untilQuiet = this.random.below(300)
      this.#settle()
    }
    this.#settle()
    for (const cast of this.#casts) cast.goAll()
    this.#settle()
    for (const leftover of findLeftovers(this.redis, this.nodes)) this.report(leftover)
    if (this.#violations.length > 0) this.#fail()
    return { steps: this.time.steps, faults: this.#faults.count }
  }

  trace(line: string): void {
    this.#story.add(this.time.now, line)
  }

  report(what: string): void {
    this.trace(`VIOLATION ${what}`)
    this.#violations.push(what)
  }

  #startNode(): void {
    const name = `node${++this.#names}`
    const node = new SimulatedNode(name, this, name, {
      dialects: (parts) => [makePeerJs(parts, "peerjs", true), makeTogetherJs(parts)],
    })
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

  /** Ends all faults, waits until all is quiet, and compares. */
  #settle(): void {
    this.trace("all faults end")
    this.#faults.end()
    // As with a real Redis: a subscriber to which a message is lost loses its connection. Without, nothing would ever show
    // the node where a peer was that it has moved, as no later event of its room comes there.
    for (const node of this.nodes) if (node.hasLost) node.cut()
    this.#advance(QUIET_MS)
    for (const cast of this.#casts) cast.nudge()
    this.#advance(NUDGE_MS)
    for (const cast of this.#casts) cast.probe()
    this.#advance(PROBE_MS)
    this.trace("quiet")
    for (const line of this.#casts.flatMap((cast) => cast.findUntruths())) this.report(line)
    for (const node of this.nodes) {
      const rooms = this.#casts.reduce((sum, cast) => sum + cast.roomsAt(node), 0)
      if (node.roomCount !== rooms) this.report(`${node.name} keeps ${node.roomCount} rooms instead of ${rooms}`)
      if (node.store.state !== "up") this.report(`${node.name} is not up: ${node.store.awayReason}`)
    }
    if (this.#violations.length > 0) this.#fail()
    this.redis.beginLogs()
    for (const node of this.nodes) {
      node.isDisturbed = false
      node.hasLost = false
      for (const guest of node.guests) if (guest.isClosed) node.guests.delete(guest)
    }
    for (const cast of this.#casts) cast.begin()
    this.#advance(NUDGE_MS)
  }

  #fail(): never {
    throw new Error(`${this.#story.tell(this.#violations, new Map())}\n\nmake fuzz SEED=${this.#seed}`)
  }
}
