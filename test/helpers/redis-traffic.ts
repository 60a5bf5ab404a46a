// Live traffic over several nodes in this process, each real on a Redis store of its own: clients
// that join, leave, talk and change their status all the time and check every event, until they are told to stop and
// all views are compared with each other and with Redis.

import type { ClusterRoomStore } from "../../src/cluster/cluster-room-store.ts"
import { makeRedisRoomStore, type RedisRoomStoreOptions } from "../../src/cluster/redis-room-store.ts"
import { type PeerId, toRoomKey } from "../../src/rooms/ids.ts"
import { isSame, SimulatedClient, vOfText } from "../fuzz/simulated-client.ts"
import { PlainNode } from "./plain-node.ts"
import { Random } from "./random.ts"
import { poll } from "./redis.ts"

// 10 rooms for 40 clients: several members each, on several nodes, and rooms that open and close all the time.
const ROOMS = Array.from({ length: 10 }, (_, at) => `room ${at}`)
const CLIENTS_PER_NODE = 14
const ROOM_SIZE = 8

/** 3 ms between bursts of a few actions: a thousand a second, and Redis has time for its troubles. */
const BURST_MS = 3

const ACTIONS = { join: 4, leave: 2, status: 2, relay: 10, close: 0.3 }

/** Lines of the story that a failure shows. */
const STORY_LINES = 1500

/** One node and its clients. */
export interface TrafficNode {
  readonly store: ClusterRoomStore
  readonly node: PlainNode
  clients: SimulatedClient[]
  isDead: boolean
}

/** See the head of this file. */
export class Traffic implements AsyncDisposable {
  readonly nodes: TrafficNode[] = []
  /** Guarantees that were broken. */
  readonly violations: string[] = []
  readonly #random: Random
  readonly #story: string[] = []
  readonly #relays = { sent: 0, heard: 0 }
  #names = 0
  #values = 0
  #timer: ReturnType<typeof setInterval> | undefined

  private constructor(seed: number) {
    this.#random = new Random(seed)
  }

  /** Starts a node for each of `options` and lets the clients begin. */
  static async start(options: readonly RedisRoomStoreOptions[]): Promise<Traffic> {
    const traffic = new Traffic(Math.floor(Math.random() * 2 ** 32))
    for (const each of options) await traffic.addNode(each)
    traffic.run()
    return traffic
  }

  /** Messages relayed between clients, and how many of them arrived. */
  get relays(): { readonly sent: number; readonly heard: number } {
    let heard = this.#relays.heard
    for (const { clients } of this.nodes) {
      for (const client of clients) for (const numbers of client.heard.values()) heard += numbers.length
    }
    return { sent: this.#relays.sent, heard }
  }

  async addNode(options: RedisRoomStoreOptions): Promise<TrafficNode> {
    const store = makeRedisRoomStore(options)
    const plain = new PlainNode(store, {
      realTime: true,
      limits: { roomSize: ROOM_SIZE },
      log: {
        error: (fields, message) => this.violations.push(`${message}: ${(fields as { err?: Error }).err?.stack}`),
        warn: () => {},
        info: () => {},
        debug: () => {},
      },
    })
    await plain.rooms.start()
    const node: TrafficNode = { store, node: plain, clients: [], isDead: false }
    const around = {
      node: plain,
      logOf: () => undefined,
      report: (what: string) => this.violations.push(what),
      trace: (line: string) => this.#trace(line),
    }
    const makeClient = () => new SimulatedClient(`client${++this.#names}`, around)
    node.clients = Array.from({ length: CLIENTS_PER_NODE }, makeClient)
    this.nodes.push(node)
    return node
  }

  run(): void {
    this.#timer = setInterval(() => {
      for (let count = 0; count < 3; count++) this.#act()
    }, BURST_MS)
  }

  /** The node is dead from now on: its clients hear nothing any more. Cutting it off Redis is the caller's part. */
  crash(node: TrafficNode): void {
    node.isDead = true
    for (const client of node.clients) client.vanish()
    this.nodes.splice(this.nodes.indexOf(node), 1)
  }

  /** Stops the clients, and resolves when every view equals the truth and nobody waits for an answer. Throws otherwise. */
  async settle(): Promise<void> {
    clearInterval(this.#timer)
    let different: string[] = []
    try {
      await poll(async () => {
        different = await this.#compare()
        return different.length === 0 || this.violations.length > 0
      }, 30_000)
    } catch {
      throw new Error(this.#tell(different))
    }
    if (this.violations.length > 0) throw new Error(this.#tell(this.violations))
  }

  /** Lets all leave, and resolves when Redis knows no member any more. */
  async leave(): Promise<void> {
    for (const { clients } of this.nodes) for (const client of clients) client.leave()
    await this.settle()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.nodes.map(({ node }) => node.close()))
  }

  #act(): void {
    const node = this.#random.pick(this.nodes)
    const client = node === undefined ? undefined : this.#random.pick(node.clients)
    if (client === undefined || client.isClosed) return
    switch (this.#random.weighted(ACTIONS)) {
      case "join":
        client.join(this.#random.pick(ROOMS) ?? "", ++this.#values)
        break
      case "leave":
        client.leave()
        break
      case "status":
        client.updateStatus(++this.#values)
        break
      case "relay": {
        const to = this.#clientOf(this.#random.pick([...client.view.keys()]))
        if (to === undefined) return
        this.#relays.sent++
        client.relay(to, ++this.#values)
        client.sent.length = 0
        return
      }
      case "close":
        // Half of the clients stay for the whole time.
        if (Number(client.name.slice("client".length)) % 2 === 0) client.close()
    }
  }

  #clientOf(peer: PeerId | undefined): SimulatedClient | undefined {
    for (const { clients } of this.nodes) {
      const client = clients.find((each) => each.peer === peer)
      if (client !== undefined) return client
    }
    return undefined
  }

  async #compare(): Promise<string[]> {
    const different: string[] = []
    const living = this.nodes.flatMap(({ clients }) => clients).filter(({ isClosed }) => !isClosed)
    const store = this.nodes[0]?.store
    if (store === undefined) return []
    for (const client of living) {
      if (client.requests.size > 0) different.push(`${client.name} waits for ${[...client.requests.keys()]}`)
    }
    for (const room of ROOMS) {
      const inside = living.filter((client) => client.room === room)
      const truth = new Map(inside.map((client) => [client.peer, client.shown]))
      const snapshot = await store.snapshot(toRoomKey(room)).catch(() => undefined)
      const kept = new Map(snapshot?.members.map(({ peer, status }) => [peer, vOfText(status)]))
      if (!isSame(truth, kept)) different.push(`Redis has ${show(kept)} in ${room} instead of ${show(truth)}`)
      for (const client of inside) {
        const others = new Map(truth)
        others.delete(client.peer)
        if (!isSame(others, client.view)) {
          different.push(`${client.name} sees ${show(client.view)} in ${room} instead of ${show(others)}`)
        }
      }
    }
    for (const { node, clients } of this.nodes) {
      const rooms = new Set(clients.filter(({ isClosed }) => !isClosed).flatMap(({ room }) => room ?? []))
      if (node.rooms.registry.size !== rooms.size)
        different.push(`a node keeps ${node.rooms.registry.size} rooms instead of ${rooms.size}`)
    }
    return different
  }

  /** What is wrong and what led to it, with the names of clients. */
  #tell(wrong: readonly string[]): string {
    let text = [...wrong, "", ...this.#story.slice(-STORY_LINES)].join("\n")
    for (const { clients } of this.nodes) for (const { peer, name } of clients) text = text.replaceAll(peer, name)
    return text
  }

  #trace(line: string): void {
    this.#story.push(`${performance.now().toFixed(1).padStart(9)} ${line}`)
    if (this.#story.length > 2 * STORY_LINES) this.#story.splice(0, STORY_LINES)
  }
}

function show(view: ReadonlyMap<PeerId, number>): string {
  return `{${[...view].map(([peer, v]) => `${peer}: ${v}`).join(", ")}}`
}
