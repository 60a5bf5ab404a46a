// Live traffic over nodes of the executable: clients that join, leave, talk, change their status and lose their
// connections all the time, until they are told to stop; then all views are compared with each other and with Redis.
// Half of the clients sit in one room all the time, so that it is known which messages have to arrive.

import { toRoomKey } from "../../src/rooms/ids.ts"
import { LiveClient, type LiveMessage } from "./live-client.ts"
import type { TestNode } from "./node.ts"
import { Random } from "./random.ts"
import { poll, type RedisServer } from "./redis.ts"
import { keysOf } from "./redis-stores.ts"

// 40 sitters in 10 rooms, on all nodes, and 40 movers in these and 30 more: rooms that last, and rooms that open and
// close all the time.
const CLIENTS = 80
const HOMES = 10
const ROOMS = Array.from({ length: 40 }, (_, at) => `room-${at}`)

/** 4 ms between bursts of three actions: 750 a second, which leaves a machine of two cores its time for faults. */
const BURST_MS = 4
const BURST = 3

const SITTER = { status: 1, relay: 20 }
const MOVER = { join: 4, leave: 2, status: 2, relay: 10, drop: 0.3 }

/** Lines of the story that a failure shows. */
const STORY_LINES = 400

/** 40 s: the longest way back is a lease, a wait of 5 s for Redis and a repair, on a busy machine. */
const SETTLE_MS = 40_000

/** Lists `<room key> <peer>` for every member of every room. */
const LIST_MEMBERS = `local all = {}
for _, key in ipairs(redis.call("KEYS", ARGV[1] .. ":{*}:room:*")) do
  local room = key:match(":room:(%x+)$")
  if room then for _, peer in ipairs(redis.call("HKEYS", key)) do all[#all + 1] = room .. " " .. peer end end
end
return all`

/** Where the traffic runs. */
export interface Place {
  /** Nodes that a load balancer would send clients to. Those that die are taken from the list by whoever kills them. */
  readonly nodes: TestNode[]
  /** Every server that holds keys. */
  readonly redis: () => readonly RedisServer[]
  readonly prefix: string
}

/** Messages that had to arrive, and what became of them. */
export interface Tally {
  readonly sent: number
  readonly heard: number
  readonly refused: number
  readonly lost: number
  /** Those, refused or lost, between two clients of one node. */
  readonly lostInside: number
}

/** See the head of this file. */
export class LiveTraffic implements AsyncDisposable {
  readonly clients: LiveClient[] = []
  readonly #place: Place
  readonly #random = new Random(Math.floor(Math.random() * 2 ** 32))
  /** Guarantees that were broken. */
  readonly #broken: string[] = []
  readonly #story: string[] = []
  #messages: LiveMessage[] = []
  #number = 0
  #dials = 0
  #timer: ReturnType<typeof setInterval> | undefined
  #onPeerLeft: (peer: string) => void = () => {}

  constructor(place: Place) {
    this.#place = place
    const world = {
      nextUrl: () => place.nodes[this.#dials++ % place.nodes.length]?.url ?? "",
      report: (what: string) => this.#broken.push(what),
      trace: (line: string) => this.#trace(line),
      onPeerLeft: (peer: string) => this.#onPeerLeft(peer),
    }
    for (let at = 0; at < CLIENTS; at++) this.clients.push(new LiveClient(`client${at}`, world))
  }

  /** Lets the clients act, from now on. */
  run(): void {
    this.#timer = setInterval(() => {
      for (let count = 0; count < BURST; count++) this.#act()
    }, BURST_MS)
  }

  /** Resolves when `count` more messages have been heard, and every sitter for whom `lives` holds is in its room. */
  async heard(count: number, lives: (client: LiveClient) => boolean = () => true): Promise<void> {
    const enough = this.#countHeard() + count
    const sitters = this.clients.filter((client) => isSitter(client) && lives(client))
    await poll(() => this.#countHeard() >= enough && sitters.every(({ room }) => room !== undefined), SETTLE_MS)
  }

  /** Resolves when nobody else sees any of `peers` any more: the milliseconds from now to each `peer_left` of them. */
  async gone(peers: ReadonlySet<string>): Promise<number[]> {
    const since = performance.now()
    const times: number[] = []
    this.#onPeerLeft = (peer) => {
      if (peers.has(peer)) times.push(performance.now() - since)
    }
    const sees = ({ view, room }: LiveClient): boolean =>
      room !== undefined && !peers.has(view.ownId) && [...view.members.keys()].some((peer) => peers.has(peer))
    await poll(() => !this.clients.some(sees), SETTLE_MS)
    this.#onPeerLeft = () => {}
    return times
  }

  /** Stops the clients; resolves when every view equals the truth and nobody waits for an answer. Throws otherwise. */
  async settle(): Promise<void> {
    clearInterval(this.#timer)
    let different: string[] = []
    try {
      await poll(() => this.clients.every(({ isReady }) => isReady) || this.#broken.length > 0, SETTLE_MS)
      // What a client said before its change of status has arrived when that has.
      for (const client of this.clients) if (client.room !== undefined) client.updateStatus(++this.#number)
      await poll(async () => {
        different = this.#compare()
        if (different.length === 0) different = await this.#compareRedis()
        return different.length === 0 || this.#broken.length > 0
      }, SETTLE_MS)
    } catch (cause) {
      different.push(String(cause))
      const waiting = this.clients.filter(({ isReady }) => !isReady)
      for (const { name, waitsFor, url } of waiting) different.push(`${name} at ${url} waits for ${waitsFor}`)
      throw new Error(this.#tell(different))
    }
    if (this.#broken.length > 0) throw new Error(this.#tell(this.#broken))
  }

  /** What became of the messages that had to arrive since the last call. To be asked when all has settled. */
  tally(): Tally {
    const due = this.#messages.filter(
      ({ from, to, stays }) => stays !== undefined && from.stay === stays[0] && to.stay === stays[1],
    )
    this.#messages = []
    const heard = due.filter(({ to, number }) => to.heard.has(number)).length
    let refused = due.filter(({ from, number }) => from.refused.has(number)).length
    let unnamed = 0
    for (const client of this.clients) {
      unnamed += client.refusedUnnamed
      client.refusedUnnamed = 0
    }
    refused += Math.min(unnamed, due.length - heard - refused)
    const lostInside = due.filter(({ to, number, isInside }) => isInside && !to.heard.has(number)).length
    return { sent: due.length, heard, refused, lost: due.length - heard - refused, lostInside }
  }

  /** Lets all leave, and resolves when nothing of the rooms is left in Redis. */
  async leave(): Promise<void> {
    for (const client of this.clients) if (client.room !== undefined) client.leave()
    await this.settle()
    for (const client of this.clients) client.close()
    const { redis, prefix } = this.#place
    const isOfNodes = new RegExp(`^\\{?${prefix}\\}?:(nodes|deployment)$`)
    const left = (await keysOf(redis(), prefix)).filter((key) => !isOfNodes.test(key))
    if (left.length > 0) throw new Error(this.#tell(left))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    for (const client of this.clients) client.close()
  }

  #act(): void {
    const client = this.#random.pick(this.clients)
    if (client === undefined || !client.isReady) return
    if (isSitter(client) && client.room === undefined) {
      client.join(ROOMS[(this.clients.indexOf(client) / 2) % HOMES] as string, ++this.#number)
      return
    }
    const act = isSitter(client) ? this.#random.weighted(SITTER) : this.#random.weighted(MOVER)
    if (act === "join") client.join(this.#random.pick(ROOMS) as string, ++this.#number)
    else if (act === "leave") client.leave()
    else if (act === "status") client.updateStatus(++this.#number)
    else if (act === "drop") client.drop()
    else {
      const peer = this.#random.pick([...client.view.members.keys()])
      const to = this.clients.find(({ view }) => view.ownId === peer)
      if (to !== undefined) this.#messages.push(client.relay(to, ++this.#number))
    }
  }

  #countHeard(): number {
    return this.clients.reduce((sum, { heard }) => sum + heard.size, 0)
  }

  #compare(): string[] {
    const different: string[] = []
    for (const { name, isReady, waitsFor } of this.clients)
      if (!isReady) different.push(`${name} waits for ${waitsFor}`)
    for (const [room, inside] of this.#rooms()) {
      for (const client of inside) {
        const others = inside.filter((other) => other !== client)
        const truth = others.map(({ view, value }) => `${view.ownId}: {"value":${value}}`)
        const seen = [...client.view.members].map(([peer, status]) => `${peer}: ${status}`)
        if (truth.sort().join() !== seen.sort().join()) {
          different.push(`${client.name} at ${client.url} sees ${seen} in ${room} instead of ${truth}`)
        }
      }
    }
    return different
  }

  async #compareRedis(): Promise<string[]> {
    const { redis, prefix } = this.#place
    const kept = await Promise.all(redis().map((server) => server.cli("EVAL", LIST_MEMBERS, "0", prefix)))
    const members = kept.flatMap((text) => text.trim().split("\n")).filter((line) => line !== "")
    const truth = [...this.#rooms()].flatMap(([room, inside]) =>
      inside.map(({ view }) => `${toRoomKey(room)} ${view.ownId}`),
    )
    if (members.sort().join() === truth.sort().join()) return []
    return [`Redis has ${members} instead of ${truth}`]
  }

  #rooms(): Map<string, LiveClient[]> {
    const inside = this.clients.filter(({ room }) => room !== undefined)
    return Map.groupBy(inside, ({ room }) => room as string)
  }

  #trace(line: string): void {
    this.#story.push(`${performance.now().toFixed(1).padStart(9)} ${line}`)
    if (this.#story.length > 20 * STORY_LINES) this.#story.splice(0, 10 * STORY_LINES)
  }

  /** What is wrong and what led to it, with the names of clients. */
  #tell(wrong: readonly string[]): string {
    let text = [...wrong, "", ...this.#story.slice(-STORY_LINES)].join("\n")
    for (const { view, name } of this.clients) if (view.ownId !== "") text = text.replaceAll(view.ownId, name)
    return text
  }
}

function isSitter({ name }: LiveClient): boolean {
  return Number(name.slice("client".length)) % 2 === 0
}
