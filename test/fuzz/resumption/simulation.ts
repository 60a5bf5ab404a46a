// The seeded simulation of coming back as oneself: pages with the real client package on three nodes of the real rooms, dialect
// and cluster store. Their connections break in every way, and they come back to the same node, to another, to a third, soon or
// too late, while nodes are stopped and killed. Judged frame by frame (client.ts) and, when all is quiet, by truth.ts.

import { Shutdown } from "../../../src/app/shutdown.ts"
import { toRoomKey } from "../../../src/rooms/ids.ts"
import type { RoomEvent } from "../../../src/rooms/room-store.ts"
import { Random } from "../../helpers/random.ts"
import { VirtualTime } from "../../helpers/virtual-time.ts"
import { FAULTS, Faults } from "../faults.ts"
import { SimulatedMachine } from "../machine.ts"
import { SimulatedRedis } from "../redis/server.ts"
import { BEGIN_UNIX_MS, SimulatedNode, type World } from "../simulated-node.ts"
import { Story } from "../story.ts"
import { findLeftovers } from "../truth.ts"
import { type ClientWorld, GHOST, ResumingClient, Rival } from "./client.ts"
import { Holders } from "./holders.ts"
import { inPage, type Page, type PageSocket } from "./page.ts"
import { Stays } from "./stays.ts"
import { awaitedBy, findHeld, findUntruths, ROOMS } from "./truth.ts"
import type { Wire } from "./wire.ts"

const NODES = 3

/** 9 pages on three nodes in two rooms: several of one room on one node, and at all of them. */
const MOST_CLIENTS = 9

/** Milliseconds for which a membership is held: less than a lease of 3 s, more, and much more. */
const RESUME_MS = [1_500, 4_000, 10_000]

/** 40 s: as in simulation.ts, and a busy answer (5 s and more between two attempts) or two. */
const QUIET_MS = 40_000

/** 2 s: a round trip, the wait for an event that does not come (500 ms) and a repair. */
const NUDGE_MS = 2_000

/** 300 messages at once: more than a log keeps (256). */
const FLOOD = 300

/** What pages do, and what is done to them. */
const ACTIONS = {
  ...{ connect: 5, join: 3, leave: 0.7, close: 0.7, vanish: 0.7, status: 6, relay: 30, flood: 0.1, wake: 1 },
  ...{ cut: 8, silent: 3, unseen: 2, roam: 4, stall: 2, stop: 0.4, wait: 8 },
}

/** The same faults as everywhere, but for those that end a node, which come in all runs. */
const DISTURBING = { ...FAULTS, crash: 0, stop: 0 }
const ENDING = Object.fromEntries(
  Object.keys(FAULTS).map((fault) => [fault, fault === "crash" ? 1 : 0]),
) as typeof FAULTS

/** What a run was like. */
export interface SimulationResult {
  readonly steps: number
  /** Resumptions, and those of them that were complete. */
  readonly resumed: number
  readonly complete: number
  /** Batches that took the short way between nodes of one machine. */
  readonly near: number
}

/**
 * Runs one seed: so many actions, with quiet in between and at the end.
 * @param isOneMachine whether all nodes are on one machine
 * @throws an Error that tells what was broken, and what led to it
 */
export function simulateResumptions(seed: number, actions: number, isOneMachine = false): SimulationResult {
  const simulation = new Simulation(seed, isOneMachine)
  return inPage(simulation, () => simulation.run(actions))
}

class Simulation implements World, ClientWorld, Page {
  isRedisUp = true
  isDisturbed = false
  readonly lastBatch = 0
  readonly random: Random
  readonly time = new VirtualTime()
  readonly redis = new SimulatedRedis(() => BEGIN_UNIX_MS + this.time.now)
  readonly machine: SimulatedMachine | undefined
  readonly nodes: SimulatedNode[] = []
  readonly stays: Stays
  readonly hasFloods: boolean
  /** Whether nodes are stopped and killed. */
  readonly hasEnds: boolean
  readonly #seed: number
  readonly #resumeMs: number
  readonly #clients = new Map<string, ResumingClient>()
  readonly #wires = new Set<Wire>()
  /** Names of the wires of those who came with another's token. */
  readonly #rivals = new Set<string>()
  readonly #holders: Holders
  readonly #profile: Record<keyof typeof ACTIONS, number>
  readonly #ending: Faults
  readonly #disturbing: Faults
  readonly #endProbability: number
  readonly #faultProbability: number
  /** How likely a rival, a ghost and the loss of an answer are, each time. */
  readonly #mischief: number
  readonly #story = new Story()
  readonly #violations: string[] = []
  readonly #names = new Map<string, string>()
  #isQuiet = false
  #number = 0

  constructor(seed: number, isOneMachine: boolean) {
    this.#seed = seed
    this.random = new Random(seed)
    if (isOneMachine) this.machine = new SimulatedMachine(this.time, this.random)
    const { random } = this
    this.hasFloods = random.chance(0.3)
    this.hasEnds = random.chance(0.7)
    this.#profile = random.mixed({
      ...ACTIONS,
      flood: this.hasFloods ? ACTIONS.flood : 0,
      stop: this.hasEnds ? ACTIONS.stop : 0,
    })
    this.#resumeMs = random.pick(RESUME_MS) ?? 0
    this.stays = new Stays(() => this.time.now, this.#resumeMs)
    this.#holders = new Holders(this)
    this.#ending = new Faults(this, ENDING, (node) => this.#onGone(node))
    this.#disturbing = new Faults(this, random.mixed(DISTURBING), (node) => this.#onGone(node))
    this.#endProbability = this.hasEnds ? (random.pick([0, 0.005, 0.01]) ?? 0) : 0
    this.#faultProbability = random.pick([0, 0, 0, 0.02]) ?? 0
    this.#mischief = random.pick([0, 0.05, 0.2]) ?? 0
  }

  run(actions: number): SimulationResult {
    for (let count = 0; count < NODES; count++) this.#startNode()
    this.#advance(100)
    let untilQuiet = this.random.below(400)
    for (let done = 0; done < actions; done++) {
      this.#act(this.random.weighted(this.#profile))
      if (this.random.chance(this.#endProbability)) this.#ending.break()
      if (this.random.chance(this.#faultProbability)) {
        this.isDisturbed = true
        this.#disturbing.break()
      }
      this.#advance(this.random.chance(0.7) ? this.random.next() * 5 : this.random.next() * 200)
      if (untilQuiet-- > 0) continue
      untilQuiet = this.random.below(400)
      this.#settle()
    }
    this.#settle()
    for (const client of this.#clients.values()) {
      if (this.random.chance(0.5)) client.leave()
      client.close()
    }
    this.#clients.clear()
    this.#quiet()
    for (const line of [...findLeftovers(this.redis, this.nodes), ...findHeld(this.nodes)]) this.report(line)
    if (this.#violations.length > 0) this.#fail()
    const { resumed, complete } = this.#holders
    return { steps: this.time.steps, resumed, complete, near: this.machine?.count.taken ?? 0 }
  }

  trace(line: string): void {
    this.#story.add(this.time.now, line)
  }

  report(what: string): void {
    this.trace(`VIOLATION ${what}`)
    this.#violations.push(what)
  }

  logOf(room: string): readonly RoomEvent[] {
    return this.redis.logs.get(toRoomKey(room)) ?? []
  }

  dial(url: URL, socket: PageSocket) {
    const client = this.#clients.get(url.searchParams.get("client") ?? "") as ResumingClient
    const node = this.nodes.find(({ name }) => name === url.hostname) ?? (this.random.pick(this.nodes) as SimulatedNode)
    const wire = client.dial(node, socket)
    this.#wires.add(client.wire as Wire)
    return wire
  }

  onAsked(wire: Wire): void {
    const { request = "" } = wire
    this.#holders.onAsked(wire)
    if (!this.#isQuiet && this.random.chance(this.#mischief)) this.#rival(request, 40)
  }

  onSaid(wire: Wire, text: string): void {
    const begun = this.#holders.onSaid(wire, text)
    if (begun === undefined) return
    const { peer, request, before } = begun
    if (request === undefined) this.stays.joined(peer)
    else if (this.#rivals.has(wire.name)) this.stays.steal(peer)
    if (this.#isQuiet) return
    if (request === undefined) return
    if (this.random.chance(this.#mischief / 2)) this.time.after(0, () => wire.loseLast())
    if (this.random.chance(this.#mischief)) this.#rival(request, 1_000)
    if (before !== undefined && this.random.chance(this.#mischief)) this.#haunt(before)
  }

  #startNode(): void {
    const number = ++this.#number
    const id = `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`
    const limits = { resumeSeconds: this.#resumeMs / 1000 }
    const node = new SimulatedNode(`node${number}`, this, id, { limits, isClustered: true })
    this.#names.set(id, node.name)
    this.nodes.push(node)
    node.start()
  }

  /** A node was killed. */
  #onGone(node: SimulatedNode): void {
    this.stays.nodeEnded(node)
    const isHeard = this.random.chance(0.7)
    for (const wire of this.#wires) if (wire.node === node) wire.nodeEnded(isHeard)
    this.#replace(node)
  }

  #replace(node: SimulatedNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1)
    this.#startNode()
  }

  /** A node ends as it does on SIGTERM. */
  #stop(node: SimulatedNode): void {
    this.trace(`${node.name} stops`)
    this.stays.nodeEnded(node)
    const { connections, rooms } = node.plain
    const fail = (_: object, message: string) => this.report(`${node.name}: ${message}`)
    const log = { error: fail, warn: () => {}, info: () => {}, debug: () => {} }
    const refuseNew = () => {
      node.isStopping = true
    }
    const seconds = this.random.below(3)
    const held = { keepsHeld: true, awaited: () => awaitedBy(node), keepState: async () => {} }
    const shutdown = new Shutdown({ connections, rooms, log, seconds, ...held, refuseNew, last: [] })
    shutdown.gently().then(() => {
      if (node.isDead) return
      this.trace(`${node.name} has stopped`)
      node.isDead = true
      this.#replace(node)
    })
  }

  #advance(ms: number): void {
    this.time.runUntil(this.time.now + ms)
    if (this.#violations.length > 0) this.#fail()
  }

  #act(action: keyof typeof ACTIONS): void {
    const clients = [...this.#clients.values()]
    const client = this.random.pick(clients)
    if (client === undefined || action === "connect" || clients.length < 3) this.#connect()
    else if (action === "wait") this.#advance(this.random.next() * this.#resumeMs)
    else if (action === "stop") {
      const serving = this.nodes.filter(({ isServing }) => isServing)
      if (serving.length > 1) this.#stop(this.random.pick(serving) as SimulatedNode)
    } else this.#clientActs(action, client)
  }

  #clientActs(action: Exclude<keyof typeof ACTIONS, "wait" | "connect" | "stop">, client: ResumingClient): void {
    switch (action) {
      case "join":
        if (client.room === undefined) client.join(this.random.pick(ROOMS) ?? "", ++this.#number)
        break
      case "leave":
        if (client.room !== undefined) client.leave()
        break
      case "close":
      case "vanish":
        client[action]()
        this.#clients.delete(client.name)
        break
      case "status":
        client.signaling.updateStatus({ v: ++this.#number })
        break
      case "relay":
        for (let count = 1 + this.random.below(4); count > 0; count--) this.#relay(client)
        break
      case "flood": {
        const to = this.#peerOf(client)
        for (let count = 0; to !== undefined && count < FLOOD; count++) client.relay(to, ++this.#number)
        break
      }
      case "wake":
        client.signaling.wake()
        break
      case "stall":
        this.trace(`the network of ${client.name} stands still`)
        client.wire?.stall()
        break
      default:
        client.break(action)
    }
  }

  #relay(client: ResumingClient): void {
    const to = this.#peerOf(client)
    if (to !== undefined) client.relay(to, ++this.#number)
  }

  #peerOf({ signaling }: ResumingClient): ResumingClient | undefined {
    const peers = [...this.#clients.values()].filter(({ stay }) => stay !== undefined && signaling.peers.has(stay.peer))
    return this.random.pick(peers)
  }

  #connect(): void {
    if (this.#clients.size >= MOST_CLIENTS) return
    const name = `client${++this.#number}`
    const client: ResumingClient = new ResumingClient(name, () => this.#addressFor(name), this)
    this.#clients.set(name, client)
    client.join(this.random.pick(ROOMS) ?? "", ++this.#number)
  }

  /** Where its node was, or anywhere; the load balancer may be late to learn that a node is gone. */
  #addressFor(name: string): string {
    const before = this.#clients.get(name)?.wire?.node
    const serving = this.nodes.filter(({ isServing }) => isServing)
    const isSame = before !== undefined && (before.isServing || this.random.chance(0.3)) && this.random.chance(0.5)
    const node = isSame ? before : (this.random.pick(serving) ?? this.random.pick(this.nodes))
    return `ws://${node?.name}/?client=${name}`
  }

  /** Somebody comes with the same token, within so many milliseconds, most likely at once. */
  #rival(request: string, withinMs: number): void {
    this.time.after(this.random.next() ** 3 * withinMs, () => {
      const node = this.random.pick(this.nodes.filter(({ isServing }) => isServing))
      if (node === undefined) return
      const name = `rival${++this.#number}`
      this.#rivals.add(name)
      new Rival(name, node, this, request)
    })
  }

  /**
   * What still comes over a connection whose membership went on elsewhere. What it says before its node knows may be heard,
   * but for this: it leaves nothing that is not its own any more.
   */
  #haunt(wire: Wire): void {
    const to = this.random.pick([...this.#clients.values()].filter(({ stay }) => stay !== undefined))?.stay?.peer
    const words = [
      { event: "send_to_peer", peer_id: to, data: { event: "message", number: GHOST } },
      { event: "update_status", status: { ghost: true } },
    ]
    const delayMs = this.random.next() ** 6 * 2_000
    this.time.after(delayMs, () => {
      if (!wire.isOpenAtNode) return
      for (const word of this.#holders.isPast(wire) ? words : []) wire.send(JSON.stringify(word))
      this.trace(`a ghost speaks on ${wire.name}`)
      if (this.random.chance(0.5)) wire.send(JSON.stringify({ event: "leave_room" }))
      else wire.close()
    })
  }

  /** Ends all faults, and waits until everything has come to its end. */
  #quiet(): void {
    this.trace("all faults end")
    this.#isQuiet = true
    this.#ending.end()
    this.#disturbing.end()
    this.#advance(QUIET_MS + this.#resumeMs)
  }

  #settle(): void {
    this.#quiet()
    const find = () => findUntruths(this.redis, this.nodes, [...this.#clients.values()], this.isDisturbed)
    // A change that was answered with an error is not made; else every status is that of its client.
    if (!this.isDisturbed) for (const untruth of find()) this.report(untruth)
    // Only the next event of a room shows that the last one was lost on its way.
    for (const client of this.#clients.values()) client.signaling.updateStatus({ v: ++this.#number })
    this.#advance(NUDGE_MS)
    this.trace("quiet")
    for (const untruth of find()) this.report(untruth)
    const lost = [...this.stays.takeLost(), ...this.#holders.findOpen()]
    if (!this.isDisturbed) for (const line of lost) this.report(line)
    this.stays.forget()
    this.redis.beginLogs()
    for (const client of this.#clients.values()) client.beginLog()
    for (const node of this.nodes) node.isDisturbed = false
    for (const wire of this.#wires) if (!wire.isOpenAtNode) this.#wires.delete(wire)
    this.#holders.forget()
    for (const [name, client] of this.#clients) if (client.signaling.state.name === "closed") this.#clients.delete(name)
    this.isDisturbed = this.#isQuiet = false
    if (this.#violations.length > 0) this.#fail()
  }

  #fail(): never {
    const names = new Map([...this.#names, ...this.stays.names()])
    throw new Error(`${this.#story.tell(this.#violations, names)}\n\nmake fuzz SEED=${this.#seed}`)
  }
}
