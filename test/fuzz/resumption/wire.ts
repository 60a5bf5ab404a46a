// One connection between a client and a simulated node, over a network that breaks it in every way a network can: what was
// under way in either direction arrives, comes late or is lost, and each end learns of it at its own time, or not at all.

import { BROKEN, CLOSE } from "../../../src/connections/close.ts"
import type { Connection } from "../../../src/connections/connection.ts"
import { connectPlain } from "../../helpers/plain-node.ts"
import type { Random } from "../../helpers/random.ts"
import type { VirtualTime } from "../../helpers/virtual-time.ts"
import type { SimulatedNode } from "../simulated-node.ts"

/** 20 ms: what a frame takes at most on its way, in a network that works. */
const LATENCY_MS = 20

/** 300 ms: an end that learns of a break learns of it within this time. */
const SOON_MS = 300

/** 6 s: a network that stands still goes on again, or a node finds out that its client is gone, within this time. */
const LATE_MS = 6_000

/** 1 ns: two sums of the same times differ by less. */
const ROUNDING_MS = 1e-6

/** The client's end. */
export interface WireClient {
  onOpen(): void
  onText(text: string): void
  /** The connection ended; 1006 when it broke. */
  onClose(code: number): void
  /** It will end, or lead nowhere any more: this end may learn of it later, or never. */
  onBroken(): void
}

/** What a wire lives in. */
export interface WireWorld {
  readonly time: VirtualTime
  readonly random: Random
  /** The client asks for its membership. */
  onAsked(wire: Wire): void
  /** The node has put a frame on the wire. */
  onSaid(wire: Wire, text: string): void
}

/**
 * In which manner a wire breaks: both ends learn of it soon; the node does much later and the client never; the node does and
 * the client never; the client does, and what it sent comes late to a node that learns of it much later.
 */
export type Break = "cut" | "silent" | "unseen" | "roam"

/** One direction: in order. */
class Way {
  readonly #world: WireWorld
  readonly #deliver: (run: () => void) => void
  readonly #underWay: { at: number; readonly run: () => void }[] = []
  #isCut = false

  constructor(world: WireWorld, deliver: (run: () => void) => void) {
    this.#world = world
    this.#deliver = deliver
  }

  /** Milliseconds until everything under way has arrived. */
  get leftMs(): number {
    return Math.max(0, (this.#underWay.at(-1)?.at ?? 0) - this.#world.time.now)
  }

  carry(run: () => void): void {
    const { time, random } = this.#world
    if (this.#isCut) return
    const at = Math.max(time.now + random.next() * LATENCY_MS, this.#underWay.at(-1)?.at ?? 0)
    this.#underWay.push({ at, run })
    this.#arriveAt(at)
  }

  /** What is under way comes so much later, and nothing overtakes it. */
  stall(ms: number): void {
    for (const item of this.#underWay) item.at += ms
    this.#underWay.push({
      at: this.#world.time.now + this.leftMs + (this.#underWay.length > 0 ? 0 : ms),
      run: () => {},
    })
    for (const { at } of this.#underWay) this.#arriveAt(at)
  }

  /** Nothing sets out any more; of what is under way only a first part arrives, or nothing. */
  cut(keepsSome = true): void {
    this.#isCut = true
    this.#underWay.splice(keepsSome ? this.#world.random.below(this.#underWay.length + 1) : 0)
  }

  #arriveAt(at: number): void {
    const { time } = this.#world
    time.after(at - time.now, () => {
      for (
        let next = this.#underWay[0];
        next !== undefined && next.at < time.now + ROUNDING_MS;
        next = this.#underWay[0]
      ) {
        this.#underWay.shift()
        this.#deliver(next.run)
      }
    })
  }
}

/** See the head of this file. */
export class Wire {
  readonly name: string
  readonly node: SimulatedNode
  /** Since when it leads nowhere. */
  brokenAt: number | undefined
  /** The `resume` sent over it, when, and the token in it. */
  askedAt = 0
  request: string | undefined
  token: string | undefined
  /** When the node first took a frame of the client behind its last answer to a `resume`. */
  spokeAt: number | undefined
  readonly #world: WireWorld
  readonly #client: WireClient
  readonly #up: Way
  readonly #down: Way
  #connection: Connection | undefined
  #drop: () => void = () => {}
  #isClientGone = false

  constructor(name: string, node: SimulatedNode, world: WireWorld, client: WireClient) {
    this.name = name
    this.node = node
    this.#world = world
    this.#client = client
    this.#up = new Way(world, (run) => node.deliver(run))
    this.#down = new Way(world, (run) => !this.#isClientGone && run())
    const { random, time } = world
    if (!node.isDead) this.#up.carry(() => this.#open())
    else if (random.chance(0.5)) time.after(random.next() * LATENCY_MS, () => this.#endClient(BROKEN))
  }

  /** Whether the node still takes what comes over it. */
  get isOpenAtNode(): boolean {
    return this.#connection?.isClosed === false && !this.node.isDead
  }

  /** The client sends a frame. */
  send(text: string): void {
    if (text.startsWith('{"event":"resume"')) {
      this.request = text
      this.askedAt = this.#world.time.now
      this.token = (JSON.parse(text) as { token: string }).token
      this.#world.onAsked(this)
    }
    this.#up.carry(() => {
      if (this.#connection?.isClosed !== false) return
      this.spokeAt ??= this.#world.time.now
      this.#connection.onMessage(text)
    })
  }

  /** The client sends a close frame, and hears nothing any more. */
  close(): void {
    this.#isClientGone = true
    this.#up.carry(() => this.#endNode(CLOSE.goodbye.code))
  }

  /** Both directions stand still for a while; nothing is lost. */
  stall(): void {
    const ms = this.#world.random.next() * LATE_MS
    this.#up.stall(ms)
    this.#down.stall(ms)
  }

  /** It breaks. */
  break(manner: Break): void {
    if (this.brokenAt !== undefined) return
    const { random, time } = this.#world
    this.#breakDown()
    if (manner === "roam") this.#up.stall(random.next() ** 3 * SOON_MS)
    else this.#up.cut()
    const nodeMs = random.next() * (manner === "silent" || manner === "roam" ? LATE_MS : SOON_MS)
    const code = manner === "silent" && random.chance(0.3) ? CLOSE.silent.code : BROKEN
    time.after(this.#up.leftMs + nodeMs, () => this.node.deliver(() => this.#endNode(code)))
    if (manner === "silent" || manner === "unseen") return
    time.after(this.#down.leftMs + random.next() * SOON_MS, () => this.#endClient(BROKEN))
  }

  /** It breaks just now, and what the node said last is lost. */
  loseLast(): void {
    this.#down.cut(false)
    this.break("cut")
  }

  /** The client's machine is gone: nothing more comes from it, and its node finds that out. */
  clientEnded(): void {
    this.break("silent")
    this.#up.cut()
    this.#isClientGone = true
  }

  /** The process of the node has ended; with its machine, if nobody hears of it. */
  nodeEnded(isHeard: boolean): void {
    if (this.brokenAt !== undefined) return
    this.#breakDown()
    if (isHeard) this.#world.time.after(this.#down.leftMs, () => this.#endClient(BROKEN))
  }

  #breakDown(): void {
    this.brokenAt = this.#world.time.now
    this.#down.cut()
    this.#client.onBroken()
  }

  #open(): void {
    if (!this.node.isServing) {
      this.#down.carry(() => this.#endClient(BROKEN))
      return
    }
    const { connection, drop } = connectPlain(this.node.plain, {
      onText: (text) => {
        this.#world.onSaid(this, text)
        this.#down.carry(() => this.#client.onText(text))
      },
      onClose: (code) => {
        if (this.#connection === undefined) return
        if (this.brokenAt === undefined) this.#client.onBroken()
        this.#endNode(code)
        this.#down.carry(() => this.#endClient(code))
      },
    })
    this.#connection = connection
    this.#drop = drop
    this.#down.carry(() => this.#client.onOpen())
  }

  #endNode(code: number): void {
    const connection = this.#connection
    if (connection === undefined) return
    this.#connection = undefined
    this.#drop()
    connection.onClose(code)
  }

  #endClient(code: number): void {
    if (this.#isClientGone) return
    this.#isClientGone = true
    this.#client.onClose(code)
  }
}
