// People in rooms, through the real client, who speak to each other all the time and set up calls, while something is done
// to the nodes: every message is numbered by its sender for each who hears it, so what is lost, doubled or out of order shows.

import { SignalingClient } from "../../src/client/index.ts"
import { poll } from "../helpers/redis.ts"

/** Attempts follow each other quicker than a browser's; deadlines are those of a browser. */
const TIMING = { retry: { firstMs: 50, longestMs: 400 } }

const ROOMS = 5
const EACH = 4

/** 5 ms between two of them: 200 a second; with one in ten goes an offer, and with one in twenty a status. */
const PACE_MS = 5

/** Candidates each side sends in a call set-up. */
const CANDIDATES = 8

/** What is said between two changes of the nodes. */
const SOME_MESSAGES = 200

/** See Callers.tally. */
export interface Tally {
  said: number
  lost: number
  doubled: number
  outOfOrder: number
}

/** One of them. */
export class Caller {
  readonly client: SignalingClient
  readonly room: string
  id = ""
  /** Numbers said to each, and heard of each. */
  readonly said = new Map<string, number>()
  readonly heard = new Map<string, number[]>()
  /** `complete` of each `resumed`. */
  readonly resumed: boolean[] = []
  /** What nobody may see of the others. */
  readonly seen: string[] = []
  calls = { begun: 0, completed: 0 }
  value = 0
  /** Candidates still to come, by peer: of a call that it begins, and of one that it answers. */
  readonly #due = new Map<string, number>()

  constructor(room: string, address: () => string) {
    this.room = room
    this.client = new SignalingClient(address, TIMING)
    this.client.on("relayed", ({ peerId, message }) => this.#onMessage(peerId, message))
    this.client.on("resumed", ({ complete }) => this.resumed.push(complete))
  }

  async join(): Promise<void> {
    this.id = (await this.client.join(this.room, { value: 0 })).ownId
  }

  /** From here on all of the room are there, and nothing but messages may be heard of them. */
  watch(): void {
    for (const name of ["new_peer", "peer_left", "joined_room", "error"] as const) {
      this.client.on(name, (event: unknown) => this.seen.push(`${name} ${JSON.stringify(event)}`))
    }
  }

  say(to: Caller): void {
    const number = this.said.get(to.id) ?? 0
    if (this.client.send(to.id, { event: "message", data: number })) this.said.set(to.id, number + 1)
  }

  call(to: Caller): void {
    if (this.#due.has(to.id)) return
    if (!this.client.send(to.id, { event: "offer", sdp: `offer of ${this.id}` })) return
    this.calls.begun++
    this.#due.set(to.id, CANDIDATES)
  }

  changeStatus(): void {
    this.client.updateStatus({ value: ++this.value })
  }

  #onMessage(from: string, message: { event: string; data?: unknown }): void {
    if (message.event === "message") {
      const heard = this.heard.get(from) ?? []
      this.heard.set(from, heard)
      heard.push(message.data as number)
    } else if (message.event === "offer") {
      this.client.send(from, { event: "answer", sdp: `answer of ${this.id}` })
      for (let at = 0; at < CANDIDATES; at++) this.client.send(from, { event: "ice_candidate", candidate: `of ${at}` })
    } else if (message.event === "ice_candidate") {
      const due = (this.#due.get(from) ?? 0) - 1
      this.#due.set(from, due)
      if (due > 0) return
      this.calls.completed++
      this.#due.delete(from)
    }
  }
}

/** All of them. */
export class Callers implements Disposable {
  readonly all: Caller[] = []
  #timer: ReturnType<typeof setInterval> | undefined
  #turn = 0

  /** They are in their rooms, each at the node that `address` says. */
  static async gather(address: () => string): Promise<Callers> {
    const callers = new Callers()
    for (let at = 0; at < ROOMS * EACH; at++) callers.all.push(new Caller(`room ${at % ROOMS}`, address))
    await Promise.all(callers.all.map((caller) => caller.join()))
    await poll(() => callers.all.every(({ client }) => client.peers.size === EACH - 1))
    for (const caller of callers.all) caller.watch()
    return callers
  }

  /** They begin to speak. */
  begin(): void {
    this.#timer = setInterval(() => {
      const turn = this.#turn++
      const from = this.all[turn % this.all.length] as Caller
      const others = this.othersOf(from)
      const to = others[Math.floor(turn / this.all.length) % others.length] as Caller
      from.say(to)
      if (turn % 10 === 0) from.call(to)
      if (turn % 20 === 7) from.changeStatus()
    }, PACE_MS)
  }

  /** Resolves when they are connected, were told so often that they are back, and have heard as much as that again. */
  async areBack(times: number): Promise<void> {
    const backs = () => this.all.reduce((sum, { resumed }) => sum + resumed.length, 0)
    await poll(() => backs() >= times && this.all.every(({ client }) => client.state.name === "open"))
    const enough = this.tally.said + SOME_MESSAGES
    await poll(() => this.tally.said >= enough)
  }

  /** They stop, with a last word of each to each; resolves when all of them are heard, and `isQuiet` holds. */
  async end(isQuiet: () => boolean): Promise<void> {
    clearInterval(this.#timer)
    for (const caller of this.all) for (const other of this.othersOf(caller)) caller.say(other)
    const isHeard = (from: Caller, to: Caller) => to.heard.get(from.id)?.at(-1) === (from.said.get(to.id) ?? 0) - 1
    await poll(() => this.all.every((to) => this.othersOf(to).every((from) => isHeard(from, to))) && isQuiet())
  }

  /** How many messages were said, and of them: not heard, heard twice, and heard behind a later one. */
  get tally(): Tally {
    return this.tallyOf(() => true)
  }

  /** Those between callers for whom `counts` holds. */
  tallyOf(counts: (caller: Caller) => boolean): Tally {
    const tally = { said: 0, lost: 0, doubled: 0, outOfOrder: 0 }
    for (const from of this.all.filter(counts)) {
      for (const to of this.othersOf(from).filter(counts)) {
        const said = from.said.get(to.id) ?? 0
        const heard = to.heard.get(from.id) ?? []
        const distinct = new Set(heard)
        tally.said += said
        tally.lost += said - distinct.size
        tally.doubled += heard.length - distinct.size
        tally.outOfOrder += heard.filter((number, at) => number < (heard[at - 1] ?? 0)).length
      }
    }
    return tally
  }

  /** Whether each sees the last status of each. */
  get areStatusesKnown(): boolean {
    return this.all.every((caller) =>
      this.othersOf(caller).every(({ id, value }) => caller.client.peers.get(id)?.["value"] === value),
    )
  }

  get calls(): { begun: number; completed: number } {
    const sum = (read: (caller: Caller) => number) => this.all.reduce((total, caller) => total + read(caller), 0)
    return { begun: sum(({ calls }) => calls.begun), completed: sum(({ calls }) => calls.completed) }
  }

  othersOf(caller: Caller): Caller[] {
    return this.all.filter((other) => other.room === caller.room && other !== caller)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const { client } of this.all) client.close()
  }
}
