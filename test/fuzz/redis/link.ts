// A link of one node to the simulated Redis: commands and their replies down one ordered stream, the node's channels down
// another, and a network between that can be told what to do to both.

import type { Backend, Link, LinkOptions, Reply, ScriptCall, Word } from "../../../src/cluster/backend.ts"
import { LinkLost } from "../../../src/cluster/backend.ts"
import { Liveness } from "../../../src/cluster/liveness.ts"
import { HEARTBEAT, isHeartbeat } from "../../../src/cluster/node-message.ts"
import type { VirtualTime } from "../../helpers/virtual-time.ts"
import { fromBytes, type SimulatedReply, toBytes } from "./lua.ts"
import type { SimulatedRedis } from "./server.ts"

/** What lies between a node and Redis. */
export interface Network {
  /** What becomes of an attempt to connect: refused at once, or never answered. */
  connecting(): "works" | "refused" | "silent"
  /** Milliseconds a command takes on its way, or a reply. */
  commandMs(): number
  /** Milliseconds a message on the channel takes. */
  channelMs(): number
  /** Whether this message on the channel is lost in silence. */
  isLost(message: Buffer): boolean
  /** When a command that was on its way as the link broke arrives all the same; undefined: it never does. */
  lateMs(): number | undefined
  /** A script call has set out. */
  onScript(name: string): void
  /** Hands something to the process, which takes it when it runs. */
  deliver(run: () => void): void
}

interface InFlight {
  hasArrived: boolean
  readonly execute: () => SimulatedReply
  readonly reject: (cause: unknown) => void
}

/** Links to `redis` over a network. `onLink` is told of each. */
export function makeSimulatedBackend(
  redis: SimulatedRedis,
  time: VirtualTime,
  network: Network,
  onLink: (link: SimulatedLink) => void,
): Backend {
  return {
    place: "simulated:6379",
    open(options) {
      const link = new SimulatedLink(redis, time, network, options)
      onLink(link)
      return link
    },
  }
}

/** See the head of this file. */
export class SimulatedLink implements Link {
  readonly opened: Promise<void>
  readonly lost: Promise<string>
  readonly publishWord = "PUBLISH"
  /** Whether everything vanishes on its way from now on, in silence. */
  isHalfOpen = false
  /** Whether what comes down the channels vanishes from now on, in silence, while commands are answered. */
  isDeaf = false
  readonly #redis: SimulatedRedis
  readonly #time: VirtualTime
  readonly #network: Network
  readonly #options: LinkOptions
  readonly #liveness: Liveness
  readonly #inFlight = new Set<InFlight>()
  #isLost = false
  /** Whether Redis has it. */
  #isConnected = false
  #unsubscribe: (() => void)[] = []
  #onLost: (reason: string) => void = () => {}
  /** When the last thing sent arrives: nothing overtakes it. */
  #commandsAt = 0
  #repliesAt = 0
  #channelAt = 0

  constructor(redis: SimulatedRedis, time: VirtualTime, network: Network, options: LinkOptions) {
    this.#redis = redis
    this.#time = time
    this.#network = network
    this.#options = options
    this.lost = new Promise((resolve) => {
      this.#onLost = resolve
    })
    this.#liveness = new Liveness(options.clock, options.answerMs, (reason) => this.close(reason))
    const connecting = new Promise<void>((resolve) => this.#connect(resolve))
    this.opened = Promise.race([connecting, this.lost]).then(async () => {
      if (this.#isLost) throw new LinkLost(await this.lost)
    })
    this.opened.catch(() => {})
  }

  get isAlive(): boolean {
    return !this.#isLost
  }

  async run({ script, keys, args }: ScriptCall): Promise<Reply> {
    const words = args.map(toText)
    const sent = this.#send(() => this.#redis.run(script.text, keys, words))
    this.#network.onScript(script.name)
    return toReply(await sent)
  }

  async publish(channel: string, message: Buffer): Promise<number> {
    return (await this.#send(() => this.#redis.command(["PUBLISH", channel, fromBytes(message)]))) as number
  }

  async readSet(key: string): Promise<string[]> {
    return (await this.#send(() => this.#redis.command(["SMEMBERS", key]))) as string[]
  }

  async readScore(key: string, member: string): Promise<number | undefined> {
    const score = await this.#send(() => this.#redis.command(["ZSCORE", key, member]))
    return score === null ? undefined : Number(score)
  }

  /** Nobody of the simulation asks for all nodes: operators do. */
  async readScores(): Promise<Map<string, number>> {
    throw new LinkLost("not simulated")
  }

  beat(): void {
    const [channel = ""] = this.#options.channels
    if (this.#liveness.beatSent(channel)) this.publish(channel, HEARTBEAT).catch(() => {})
  }

  /** Our side gives it up; what is on its way may still arrive. */
  close(reason: string): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#liveness.stop()
    this.#break()
    this.#onLost(reason)
    for (const { reject } of this.#inFlight) reject(new LinkLost(reason))
    this.#inFlight.clear()
  }

  /** The network breaks it, and both sides learn of it. */
  cut(): void {
    this.#break()
    this.#network.deliver(() => this.close("connection reset"))
  }

  #connect(onConnected: () => void): void {
    const outcome = this.#network.connecting()
    if (outcome === "silent") return
    const arriveMs = this.#network.commandMs()
    this.#time.after(arriveMs, () => {
      if (outcome === "refused") return this.#network.deliver(() => this.close("connection refused"))
      if (this.#isLost) return
      this.#isConnected = true
      this.#subscribe()
      this.#time.after(this.#network.commandMs(), () =>
        this.#network.deliver(() => {
          if (this.#isLost || this.isHalfOpen) return
          this.#liveness.connected()
          onConnected()
        }),
      )
    })
  }

  #subscribe(): void {
    const { channels, onMessage } = this.#options
    this.#unsubscribe = channels.map((channel, partition) =>
      this.#redis.subscribe(channel, (text) => {
        const message = toBytes(text)
        if (this.isHalfOpen || this.isDeaf || this.#network.isLost(message)) return
        this.#channelAt = Math.max(this.#channelAt, this.#time.now + this.#network.channelMs())
        this.#deliverAt(this.#channelAt, () => {
          if (isHeartbeat(message)) this.#liveness.beatHeard(channel)
          else onMessage(partition, message)
        })
      }),
    )
  }

  #send(execute: () => SimulatedReply): Promise<SimulatedReply> {
    if (this.#isLost) return Promise.reject(new LinkLost("already lost"))
    const sentAt = this.#liveness.sent()
    const sent = new Promise<SimulatedReply>((resolve, reject) => {
      const entry: InFlight = { hasArrived: false, execute, reject }
      this.#inFlight.add(entry)
      this.#commandsAt = Math.max(this.#commandsAt, this.#time.now + this.#network.commandMs())
      this.#time.after(this.#commandsAt - this.#time.now, () => {
        if (!this.#isConnected || this.isHalfOpen) return
        entry.hasArrived = true
        const reply = execute()
        this.#repliesAt = Math.max(this.#repliesAt, this.#time.now + this.#network.commandMs())
        this.#deliverAt(this.#repliesAt, () => {
          this.#inFlight.delete(entry)
          this.#options.counters.commands.add((this.#time.now - sentAt) / 1000)
          resolve(reply)
        })
      })
    })
    return sent.finally(() => this.#liveness.answered())
  }

  /** Redis has it no more. What it had on its way to Redis is lost, or comes late. */
  #break(): void {
    if (!this.#isConnected) return
    this.#isConnected = false
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    const { life } = this.#redis
    for (const { hasArrived, execute } of this.#inFlight) {
      const lateMs = hasArrived || this.isHalfOpen ? undefined : this.#network.lateMs()
      // What is on its way to a server that goes ends with it.
      if (lateMs !== undefined) this.#time.after(lateMs, () => life === this.#redis.life && execute())
    }
  }

  #deliverAt(at: number, run: () => void): void {
    this.#time.after(at - this.#time.now, () => {
      if (!this.isHalfOpen) this.#network.deliver(() => !this.#isLost && run())
    })
  }
}

function toText(word: Word): string {
  return fromBytes(typeof word === "string" ? Buffer.from(word, "utf8") : word)
}

/** As node-redis gives it: text as bytes. */
function toReply(reply: SimulatedReply): Reply {
  if (typeof reply === "string") return toBytes(reply)
  return Array.isArray(reply) ? reply.map(toReply) : reply
}
