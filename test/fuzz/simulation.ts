// The seeded simulation: clients on three nodes of real hubs and sessions, a bus between them that fails in every way
// Redis and a network can, and time that belongs to the seed. Clients check each event; when all is quiet again their
// views, the hubs and the bus are compared with the truth.

import { type PeerId, type RoomKey, toRoomKey } from "../../src/rooms/ids.ts"
import { Bus } from "../helpers/bus.ts"
import { LEASE_MS } from "../helpers/bus-room-store.ts"
import { Random } from "../helpers/random.ts"
import { VirtualTime } from "../helpers/virtual-time.ts"
import { isSame, SimulatedClient, vOfText } from "./simulated-client.ts"
import { SimulatedNode, type World } from "./simulated-node.ts"
import { Story } from "./story.ts"

const NODES = 3
const ROOMS = ["red", "green", "blue"]

/** 14 on three nodes, in three rooms of five: several of one room on one node, and rooms that come and go. */
const MOST_CLIENTS = 14

/** 20 s: leases end (3 s), dead nodes are swept (a lease after a survivor's own return), commands given up (5 s). */
const QUIET_MS = 20_000

/** 2 s: a round trip, the wait for an event that does not come (500 ms) and a healing. */
const NUDGE_MS = 2_000

/** What clients do. */
const ACTIONS = { connect: 6, join: 10, leave: 4, status: 5, relay: 20, close: 3, wait: 10 }

/** What breaks. */
const FAULTS = {
  loseMessages: 4,
  delayMessages: 3,
  cut: 3,
  isolate: 2,
  pause: 2,
  crash: 1,
  stop: 1,
  busAway: 1,
  busRestartedEmpty: 0.5,
  flush: 0.5,
}

/** What a run was like. */
export interface SimulationResult {
  readonly steps: number
  readonly faults: number
}

/**
 * Runs one seed: so many actions of clients, with quiet in between and at the end.
 * @throws an Error that tells what was broken, and what led to it
 */
export function simulate(seed: number, actions: number): SimulationResult {
  return new Simulation(seed).run(actions)
}

class Simulation implements World {
  isBusUp = true
  readonly #seed: number
  readonly random: Random
  readonly time = new VirtualTime()
  readonly bus = new Bus()
  readonly #nodes: SimulatedNode[] = []
  readonly #clients = new Map<PeerId, SimulatedClient>()
  readonly #profile: Record<keyof typeof ACTIONS, number>
  readonly #faults: Record<keyof typeof FAULTS, number>
  readonly #faultProbability: number
  readonly #story = new Story()
  readonly #violations: string[] = []
  /** All data was lost under open connections: a node has no lease before its next renewal, but its clients join. */
  #hasLostLeases = false
  #names = 0
  #values = 0
  #faultCount = 0

  constructor(seed: number) {
    this.#seed = seed
    this.random = new Random(seed)
    // Each run likes some things more than others, so rare mixtures come up too.
    const mix = <Weights extends Record<string, number>>(weights: Weights): Weights =>
      Object.fromEntries(
        Object.entries(weights).map(([key, weight]) => [key, weight * this.random.next() ** 2]),
      ) as Weights
    this.#profile = mix(ACTIONS)
    this.#faults = mix(FAULTS)
    this.#faultProbability = this.random.pick([0, 0.01, 0.03, 0.1]) ?? 0
  }

  run(actions: number): SimulationResult {
    for (let count = 0; count < NODES; count++) this.#startNode()
    this.#advance(100)
    let untilQuiet = this.random.below(300)
    for (let done = 0; done < actions; done++) {
      this.#act()
      if (this.random.chance(this.#faultProbability)) this.#break()
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
    this.#checkEmpty()
    return { steps: this.time.steps, faults: this.#faultCount }
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
    this.#nodes.push(node)
    node.start()
  }

  #advance(ms: number): void {
    this.time.runUntil(this.time.now + ms)
    if (this.#violations.length > 0) this.#fail()
  }

  #living(): SimulatedClient[] {
    return [...this.#clients.values()].filter(({ isClosed }) => !isClosed)
  }

  /** A client of a node that runs. */
  #pickClient(): SimulatedClient | undefined {
    return this.random.pick(this.#living())
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
    const client = this.#pickClient()
    const node = this.#nodes.find(({ clients }) => client !== undefined && clients.has(client))
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
        const to = this.random.chance(0.1) ? this.#pickClient() : (this.random.pick(known) ?? this.#pickClient())
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

  #connect(): void {
    const node = this.random.pick(this.#nodes.filter(({ isServing }) => isServing))
    if (node === undefined || this.#living().length >= MOST_CLIENTS) return
    node.deliver(() => {
      const client = new SimulatedClient(`client${++this.#names}@${node.name}`, {
        hub: node.hub,
        topics: node.topics,
        logOf: (room) => (node.isDisturbed ? undefined : this.#logOf(room)),
        report: (what) => this.report(what),
        trace: (line) => this.trace(line),
      })
      this.#clients.set(client.peer, client)
      node.clients.add(client)
    })
  }

  #logOf(room: RoomKey) {
    return this.bus.logs.get(room) ?? []
  }

  #break(): void {
    const node = this.random.pick(this.#nodes.filter(({ isServing }) => isServing))
    if (node === undefined) return
    const fault = this.random.weighted(this.#faults)
    const forMs = this.random.next() ** 2 * 3 * LEASE_MS
    this.trace(`FAULT ${fault} ${node.name} ${forMs.toFixed(0)} ms`)
    this.#faultCount++
    switch (fault) {
      case "loseMessages":
        node.disturb()
        node.lossProbability = this.random.next()
        this.time.after(this.random.next() * 100, () => {
          node.lossProbability = 0
        })
        break
      case "delayMessages":
        node.disturb()
        node.delayMs = this.random.next() * 2000
        this.time.after(forMs, () => {
          node.delayMs = 0
        })
        break
      case "cut":
        node.disturb()
        node.store.cut()
        break
      case "isolate":
        node.disturb()
        node.isIsolated = true
        node.store.cut()
        this.time.after(forMs, () => {
          node.isIsolated = false
        })
        break
      case "pause":
        node.disturb()
        node.isPaused = true
        this.time.after(forMs, () => node.resume())
        break
      case "crash":
        if (this.#isSwept(node)) this.#crash(node)
        break
      case "stop":
        if (this.#isSwept(node)) this.#stop(node)
        break
      case "busAway":
        this.#takeBusAway(forMs)
        break
      case "busRestartedEmpty":
        this.#takeBusAway(forMs)
        this.bus.flush()
        this.#hasLostLeases = false
        break
      case "flush":
        for (const each of this.#nodes) each.disturb()
        this.bus.flush()
        this.#hasLostLeases = true
    }
  }

  /** Whether somebody would sweep behind the node: two faults in one breath can leave nobody who knows that it was. */
  #isSwept({ store }: SimulatedNode): boolean {
    return !this.#hasLostLeases || store.hasSeenBirth
  }

  #crash(node: SimulatedNode): void {
    node.isDead = true
    node.store.crash()
    for (const client of node.clients) client.vanish()
    this.#replace(node)
  }

  #stop(node: SimulatedNode): void {
    node.deliver(() => {
      if (node.isStopping) return
      node.isStopping = true
      const clients = [...node.clients]
      node.hub.close().then(() => {
        this.trace(`${node.name} has stopped`)
        for (const client of clients) {
          if (!client.isClosed) this.report(`${client.name} outlived its node`)
        }
        node.isDead = true
        this.#replace(node)
      })
    })
  }

  #replace(node: SimulatedNode): void {
    this.#nodes.splice(this.#nodes.indexOf(node), 1)
    this.#startNode()
  }

  #takeBusAway(forMs: number): void {
    this.isBusUp = false
    for (const node of this.#nodes) {
      node.disturb()
      node.store.cut()
    }
    this.time.after(forMs, () => {
      this.isBusUp = true
    })
  }

  /** Ends all faults, waits until all is quiet, and compares. */
  #settle(): void {
    this.trace("all faults end")
    this.isBusUp = true
    for (const node of this.#nodes) {
      node.isIsolated = false
      node.lossProbability = 0
      node.delayMs = 0
      node.resume()
    }
    this.#advance(QUIET_MS)
    // Only the next event of a room shows that the last one was lost on its way: here it is, in every room.
    for (const room of ROOMS) {
      const client = this.random.pick(this.#living().filter((client) => client.room === room))
      client?.updateStatus(++this.#values)
    }
    this.#advance(NUDGE_MS)
    this.trace("quiet")
    this.#check()
    for (const node of this.#nodes) {
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

  #check(): void {
    for (const room of ROOMS) {
      const inside = this.#living().filter((client) => client.room === room)
      const truth = new Map(inside.map((client) => [client.peer, client.shown]))
      const kept = new Map<PeerId, number>()
      for (const { peer, status, node } of this.bus.rooms.get(toRoomKey(room))?.members.values() ?? []) {
        kept.set(peer, vOfText(status))
        const own = this.#nodes.find(({ store }) => store.node === node)
        if (own === undefined) this.report(`the bus has ${peer} on a node that is gone`)
      }
      if (!isSame(truth, kept)) this.report(`the bus has ${room} as ${show(kept)}, but it is ${show(truth)}`)
      for (const client of inside) {
        const others = new Map(truth)
        others.delete(client.peer)
        if (!isSame(others, client.view)) {
          this.report(`${client.name} sees ${room} as ${show(client.view)}, but it is ${show(others)}`)
        }
      }
    }
    for (const client of this.#living()) {
      if (client.requests.size > 0) this.report(`${client.name} waits for ${[...client.requests.keys()]}`)
      if (client.room !== undefined && client.unshown.size > 0) {
        this.report(`${client.name} was never shown its status ${[...client.unshown]}`)
      }
      this.#checkRelays(client)
    }
    for (const { name, hub, clients } of this.#nodes) {
      const inside = [...clients].filter(({ room }) => room !== undefined)
      const rooms = new Set(inside.map(({ room }) => room))
      if (hub.roomCount !== rooms.size) this.report(`${name} keeps ${hub.roomCount} rooms instead of ${rooms.size}`)
    }
  }

  /** Between two that stayed, on nodes without a fault, nothing is lost. */
  #checkRelays(client: SimulatedClient): void {
    const isCalm = this.#nodes.every(({ isDisturbed }) => !isDisturbed)
    for (const { to, n, fromStay, toStay } of client.sent.splice(0)) {
      if (!isCalm || to.isClosed || client.room === undefined || to.room !== client.room) continue
      if (client.stay !== fromStay || to.stay !== toStay) continue
      if (!to.heard.get(client.peer)?.includes(n)) this.report(`${to.name} never got ${n} of ${client.name}`)
    }
  }

  #checkEmpty(): void {
    if (this.bus.rooms.size > 0) this.report(`the bus keeps ${this.bus.rooms.size} rooms when all have left`)
    const living = new Set(this.#nodes.map(({ store }) => store.node))
    for (const node of this.bus.leases.keys()) {
      if (!living.has(node)) this.report(`the bus keeps a lease of ${node}, which is gone`)
    }
    if (this.#violations.length > 0) this.#fail()
  }

  #fail(): never {
    const names = new Map<string, string>(ROOMS.map((room) => [toRoomKey(room), room]))
    for (const { peer, name } of this.#clients.values()) names.set(peer, name)
    for (const { store, name } of this.#nodes) names.set(store.node, name)
    throw new Error(`${this.#story.tell(this.#violations, names)}\n\nmake fuzz SEED=${this.#seed}`)
  }
}

function show(view: ReadonlyMap<PeerId, number>): string {
  return `{${[...view].map(([peer, v]) => `${peer}: ${v}`).join(", ")}}`
}
