// One life of the connections to Redis: commands and subscriber, to a single Redis or to every master of a cluster.
// It is never repaired: at the first sign of trouble all of it is lost, and a fresh one is made. node-redis would
// reconnect by itself, but keeps a half-read reply in its decoder, and cannot tell a half-open link from a quiet one.
//
// Liveness is told by our own clock: a command unanswered, or a heartbeat published to the own channel that does not
// come back on the subscriber, for the answer deadline means lost.

import { ErrorReply } from "redis"
import { type ClusterCounters, countCommand } from "../counters.ts"
import { HEARTBEAT, isHeartbeat } from "../node-message.ts"
import { type Client, type Cluster, drop, makeClient, makeCluster, type Place, toPlace } from "./clients.ts"
import type { Reply, ScriptCall, Word } from "./scripts.ts"

/** What a connection is opened with. */
export interface ConnectionOptions {
  /** One URL of a single Redis, or those of some nodes of a cluster. */
  readonly urls: readonly string[]
  readonly isCluster: boolean
  /** The own channel of each partition, by partition. */
  readonly channels: readonly string[]
  /** Milliseconds after which something unanswered means that the connection is dead. */
  readonly answerMs: number
  readonly counters: ClusterCounters
  /** A message on the channel of `partition`. */
  onMessage(partition: number, message: Buffer): void
}

/** The connection was lost, or Redis cannot serve just now: the outcome of the command is unknown, try it on the next. */
export class ConnectionLost extends Error {
  override name = "ConnectionLost"
}

/**
 * Errors of Redis that pass by themselves or with a new connection: starting, demoted, failing over, moving, full, or
 * with another password than ours. Everything else is a bug of ours.
 */
const PASSING =
  /(?:^|\s-?)(?:LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|OOM|MISCONF|NOREPLICAS|BUSY|NOAUTH|WRONGPASS|NOPERM) /

/** One subscriber connection and its heartbeat. */
interface Subscriber {
  readonly client: Client
  /** The channel its heartbeats go through. */
  readonly channel: string
  /** When the heartbeat on its way was sent; undefined when none is. */
  beatSentAt: number | undefined
}

// Checks per answer deadline: what is lost is noticed at most a third of it late.
const CHECKS_PER_DEADLINE = 3

// Packed members are no text.
const AS_BYTES = { returnBuffers: true }

/** Connections that work, until they do not. */
export class Connection {
  /** Resolves with the reason when the connection is lost or closed. */
  readonly lost: Promise<string>
  /** The command with which one publishes: sharded in a cluster. */
  readonly publishWord: "PUBLISH" | "SPUBLISH"
  readonly #options: ConnectionOptions
  readonly #places: readonly Place[]
  readonly #commands: Client | Cluster
  readonly #subscribers: Subscriber[] = []
  #onLost: (reason: string) => void = () => {}
  #isLost = false
  #inFlight = 0
  /** When the last answer came, or the first command after a silence was sent. */
  #progressAt = 0
  #checkedAt = 0
  #checks: ReturnType<typeof setInterval> | undefined

  /** Connects and subscribes. Rejects with ConnectionLost, at the latest after the answer deadline. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options)
    const timer = setTimeout(() => connection.#lose("no answer while connecting"), options.answerMs)
    const connecting = connection.#connect().catch((error: unknown) => connection.#lose(toReason(error)))
    await Promise.race([connecting, connection.lost])
    clearTimeout(timer)
    if (connection.#isLost) throw new ConnectionLost(await connection.lost)
    return connection
  }

  private constructor(options: ConnectionOptions) {
    const { urls, isCluster, answerMs } = options
    this.#options = options
    this.lost = new Promise((resolve) => {
      this.#onLost = resolve
    })
    this.publishWord = isCluster ? "SPUBLISH" : "PUBLISH"
    this.#places = urls.map(toPlace)
    const commands = isCluster
      ? makeCluster(this.#places, "palava-commands", answerMs)
      : makeClient(this.#firstPlace, "palava-commands", answerMs)
    commands.on("error", (error) => this.#lose(toReason(error)))
    this.#commands = commands
  }

  /** Whether commands can be sent. */
  get isAlive(): boolean {
    return !this.#isLost
  }

  /** Runs a script: by its hash, and in full when Redis does not know it (yet, or since SCRIPT FLUSH or a fail-over). */
  async run({ script, keys, args }: ScriptCall): Promise<Reply> {
    const words = [String(keys.length), ...keys, ...args]
    const key = keys[0] ?? ""
    try {
      return await this.send(key, ["EVALSHA", script.sha1, ...words])
    } catch (error) {
      if (!(error instanceof ErrorReply) || !error.message.startsWith("NOSCRIPT")) throw error
      this.#options.counters.scriptsReloaded++
      return await this.send(key, ["EVAL", script.text, ...words])
    }
  }

  /** Publishes to a node's channel: how many heard it. */
  async publish(channel: string, message: Buffer): Promise<number> {
    return (await this.send(channel, [this.publishWord, channel, message])) as number
  }

  /** Sends one command about `key`. Rejects with ConnectionLost, or with Redis's ErrorReply when it is a bug of ours. */
  async send(key: string, words: Word[]): Promise<Reply> {
    if (this.#isLost) throw new ConnectionLost("already lost")
    const sentAt = performance.now()
    if (this.#inFlight++ === 0) this.#progressAt = sentAt
    try {
      const reply: unknown = await ("slots" in this.#commands
        ? this.#commands.sendCommand(key, false, words, AS_BYTES)
        : this.#commands.sendCommand(words, AS_BYTES))
      countCommand(this.#options.counters, (performance.now() - sentAt) / 1000)
      return reply as Reply
    } catch (error) {
      if (error instanceof ErrorReply && !PASSING.test(error.message)) throw error
      this.#lose(toReason(error))
      throw new ConnectionLost(toReason(error))
    } finally {
      this.#inFlight--
      this.#progressAt = performance.now()
    }
  }

  /** Sends a heartbeat through every master and subscriber that has none on its way. */
  beat(): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.beatSentAt !== undefined) continue
      subscriber.beatSentAt = performance.now()
      this.publish(subscriber.channel, HEARTBEAT).catch(() => {})
    }
  }

  /** Lets go of everything at once. */
  close(reason: string): void {
    this.#lose(reason)
  }

  get #firstPlace(): Place {
    const [place] = this.#places
    if (place === undefined) throw new TypeError("no Redis URL given")
    return place
  }

  async #connect(): Promise<void> {
    const { channels } = this.#options
    await this.#commands.connect()
    this.#mustLive()
    if ("slots" in this.#commands) {
      await this.#subscribeCluster(this.#commands)
    } else {
      const client = this.#addSubscriber(this.#firstPlace, channels[0] ?? "")
      await client.connect()
      await client.subscribe([...channels], this.#hear(client), true)
    }
    if (this.#isLost) return
    this.#checkedAt = performance.now()
    this.#checks = setInterval(() => this.#check(), this.#options.answerMs / CHECKS_PER_DEADLINE)
  }

  /** One subscriber to each master, on the channels whose slots it has. */
  async #subscribeCluster(cluster: Cluster): Promise<void> {
    const { channels } = this.#options
    const slots = await Promise.all(
      channels.map((channel) => cluster.sendCommand(channel, true, ["CLUSTER", "KEYSLOT", channel])),
    )
    const byMaster = Map.groupBy(channels, (_, partition) => cluster.slots[Number(slots[partition])]?.master)
    const subscribing = [...byMaster].map(async ([master, itsChannels]) => {
      if (master === undefined) throw new ConnectionLost("the cluster does not cover all slots")
      const { host, port } = master
      const client = this.#addSubscriber({ ...this.#firstPlace, host, port, database: 0 }, itsChannels[0] ?? "")
      client.on("sharded-channel-moved", () => this.#lose("a slot moved to another master"))
      await client.connect()
      await Promise.all(itsChannels.map((channel) => client.sSubscribe(channel, this.#hear(client), true)))
    })
    await Promise.all(subscribing)
  }

  #addSubscriber(place: Place, channel: string): Client {
    this.#mustLive()
    const client = makeClient(place, "palava-subscriber", this.#options.answerMs)
    client.on("error", (error) => this.#lose(toReason(error)))
    this.#subscribers.push({ client, channel, beatSentAt: undefined })
    return client
  }

  /** Nothing may be opened any more when all of it was let go meanwhile: nobody would close it. */
  #mustLive(): void {
    if (this.#isLost) throw new ConnectionLost("lost while connecting")
  }

  #hear(client: Client): (message: Buffer, channel: Buffer) => void {
    const subscriber = this.#subscribers.find((entry) => entry.client === client)
    const partitions = new Map(this.#options.channels.map((channel, partition) => [channel, partition]))
    const only = partitions.size === 1 ? 0 : undefined
    return (message, channel) => {
      if (this.#isLost) return
      if (!isHeartbeat(message)) this.#options.onMessage(only ?? partitions.get(channel.toString()) ?? 0, message)
      else if (subscriber !== undefined) subscriber.beatSentAt = undefined
    }
  }

  /** Looks for what is overdue. When we ourselves were late, the answers may be here and only not read yet. */
  #check(): void {
    const { answerMs } = this.#options
    const now = performance.now()
    const wasLate = now - this.#checkedAt > (2 * answerMs) / CHECKS_PER_DEADLINE
    this.#checkedAt = now
    if (wasLate) this.#progressAt = now
    else if (this.#inFlight > 0 && now - this.#progressAt > answerMs) this.#lose("a command was not answered")
    for (const subscriber of this.#subscribers) {
      if (subscriber.beatSentAt === undefined) continue
      if (wasLate) subscriber.beatSentAt = now
      else if (now - subscriber.beatSentAt > answerMs) this.#lose("a heartbeat did not come back")
    }
  }

  #lose(reason: string): void {
    if (this.#isLost) return
    this.#isLost = true
    clearInterval(this.#checks)
    drop(this.#commands)
    for (const { client } of this.#subscribers) drop(client)
    this.#onLost(reason)
  }
}

function toReason(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
