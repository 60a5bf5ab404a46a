// A link to Redis: commands and subscriber, to a single Redis or to every master of a cluster. It is never repaired: at
// the first sign of trouble all of it is lost, and a fresh one is made. node-redis would reconnect by itself, but keeps a
// half-read reply in its decoder, and cannot tell a half-open link from a quiet one.

import { ErrorReply } from "redis"
import {
  type Backend,
  type Link,
  LinkLost,
  type LinkOptions,
  type Reply,
  type ScriptCall,
  type Word,
} from "../backend.ts"
import { Liveness } from "../liveness.ts"
import { HEARTBEAT, isHeartbeat } from "../node-message.ts"
import {
  type Client,
  type Cluster,
  drop,
  makeClient,
  makeCluster,
  type Place,
  type RedisTls,
  toPlace,
} from "./clients.ts"

/** Which Redis. */
export interface RedisOptions {
  /** One URL of a single Redis, `redis://` or `rediss://`, or those of some nodes of a cluster. */
  readonly urls: readonly string[]
  readonly isCluster: boolean
  /** For `rediss://`. */
  readonly tls?: RedisTls
}

/** The backend that is a Redis, or a Redis Cluster. Throws on what is no Redis URL. */
export function makeRedisBackend({ urls, isCluster, tls }: RedisOptions): Backend {
  const [first, ...more] = urls.map((url) => toPlace(url, tls))
  if (first === undefined) throw new TypeError("no Redis URL given")
  const places = [first, ...more] as const
  return {
    place: places.map(({ host, port }) => `${host}:${port}`).join(", "),
    open: (options) => new Connection(places, isCluster, options),
  }
}

/**
 * Errors of Redis that pass by themselves or with a new connection: starting, demoted, failing over, moving, full, or
 * with another password than ours. Everything else is a bug of ours.
 */
const PASSING =
  /(?:^|\s-?)(?:LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|OOM|MISCONF|NOREPLICAS|BUSY|NOAUTH|WRONGPASS|NOPERM) /

/** Errors of Redis whose text may name the user: only the word is told. */
const ABOUT_USERS = /^(?:NOAUTH|WRONGPASS|NOPERM)\b/

// Packed members are no text.
const AS_BYTES = { returnBuffers: true }

/** One subscriber connection, and the channel its heartbeats go through. */
interface Subscriber {
  readonly client: Client
  readonly channel: string
}

class Connection implements Link {
  readonly opened: Promise<void>
  readonly lost: Promise<string>
  readonly publishWord: "PUBLISH" | "SPUBLISH"
  readonly #options: LinkOptions
  readonly #place: Place
  readonly #commands: Client | Cluster
  readonly #liveness: Liveness
  readonly #subscribers: Subscriber[] = []
  #onLost: (reason: string) => void = () => {}
  #isLost = false

  constructor(places: readonly [Place, ...Place[]], isCluster: boolean, options: LinkOptions) {
    const { clock, answerMs } = options
    this.#options = options
    this.#place = places[0]
    this.publishWord = isCluster ? "SPUBLISH" : "PUBLISH"
    this.lost = new Promise((resolve) => {
      this.#onLost = resolve
    })
    this.#liveness = new Liveness(clock, answerMs, (reason) => this.#lose(reason))
    this.#commands = isCluster
      ? makeCluster(places, "palava-commands", answerMs)
      : makeClient(this.#place, "palava-commands", answerMs)
    this.#commands.on("error", (error) => this.#lose(toReason(error)))
    const connecting = this.#connect().catch((error: unknown) => this.#lose(toReason(error)))
    this.opened = Promise.race([connecting, this.lost]).then(async () => {
      if (this.#isLost) throw new LinkLost(await this.lost)
    })
    this.opened.catch(() => {})
  }

  get isAlive(): boolean {
    return !this.#isLost
  }

  /** By its hash, and in full when Redis does not know it (yet, or since SCRIPT FLUSH or a fail-over). */
  async run({ script, keys, args }: ScriptCall): Promise<Reply> {
    const words = [String(keys.length), ...keys, ...args]
    const key = keys[0] ?? ""
    try {
      return await this.#send(key, ["EVALSHA", script.sha1, ...words])
    } catch (error) {
      if (!(error instanceof ErrorReply) || !error.message.startsWith("NOSCRIPT")) throw error
      this.#options.counters.scriptsReloaded++
      return await this.#send(key, ["EVAL", script.text, ...words])
    }
  }

  async publish(channel: string, message: Buffer): Promise<number> {
    return (await this.#send(channel, [this.publishWord, channel, message])) as number
  }

  async readSet(key: string): Promise<string[]> {
    const members = (await this.#send(key, ["SMEMBERS", key])) as Buffer[]
    return members.map(String)
  }

  async readScore(key: string, member: string): Promise<number | undefined> {
    const score = await this.#send(key, ["ZSCORE", key, member])
    return score === null ? undefined : Number(score)
  }

  async readScores(key: string): Promise<Map<string, number>> {
    return pairsOf((await this.#send(key, ["ZRANGE", key, "0", "-1", "WITHSCORES"])) as Buffer[])
  }

  beat(): void {
    for (const { channel } of this.#subscribers) {
      if (this.#liveness.beatSent(channel)) this.publish(channel, HEARTBEAT).catch(() => {})
    }
  }

  close(reason: string): void {
    this.#lose(reason)
  }

  /** Sends one command about `key`. Rejects with LinkLost, or with Redis's ErrorReply when it is a bug of ours. */
  async #send(key: string, words: Word[]): Promise<Reply> {
    if (this.#isLost) throw new LinkLost("already lost")
    const sentAt = this.#liveness.sent()
    try {
      const reply: unknown = await ("slots" in this.#commands
        ? this.#commands.sendCommand(key, false, words, AS_BYTES)
        : this.#commands.sendCommand(words, AS_BYTES))
      this.#options.counters.commands.add((this.#options.clock.monotonicMs() - sentAt) / 1000)
      return reply as Reply
    } catch (error) {
      if (error instanceof ErrorReply && !PASSING.test(error.message)) throw error
      this.#lose(toReason(error))
      throw new LinkLost(toReason(error))
    } finally {
      this.#liveness.answered()
    }
  }

  async #connect(): Promise<void> {
    const { channels } = this.#options
    await this.#commands.connect()
    this.#mustLive()
    if ("slots" in this.#commands) {
      await this.#subscribeCluster(this.#commands)
    } else {
      const subscriber = this.#addSubscriber(this.#place, channels[0] ?? "")
      await subscriber.client.connect()
      await subscriber.client.subscribe([...channels], this.#hear(subscriber), true)
    }
    if (!this.#isLost) this.#liveness.connected()
  }

  /** One subscriber to each master, on the channels whose slots it has. */
  async #subscribeCluster(cluster: Cluster): Promise<void> {
    const { channels } = this.#options
    const slots = await Promise.all(
      channels.map((channel) => cluster.sendCommand(channel, true, ["CLUSTER", "KEYSLOT", channel])),
    )
    const byMaster = Map.groupBy(channels, (_, partition) => cluster.slots[Number(slots[partition])]?.master)
    const subscribing = [...byMaster].map(async ([master, itsChannels]) => {
      if (master === undefined) throw new LinkLost("the cluster does not cover all slots")
      const { host, port } = master
      const subscriber = this.#addSubscriber({ ...this.#place, host, port, database: 0 }, itsChannels[0] ?? "")
      const { client } = subscriber
      client.on("sharded-channel-moved", () => this.#lose("a slot moved to another master"))
      await client.connect()
      await Promise.all(itsChannels.map((channel) => client.sSubscribe(channel, this.#hear(subscriber), true)))
    })
    await Promise.all(subscribing)
  }

  #addSubscriber(place: Place, channel: string): Subscriber {
    this.#mustLive()
    const client = makeClient(place, "palava-subscriber", this.#options.answerMs)
    client.on("error", (error) => this.#lose(toReason(error)))
    const subscriber = { client, channel }
    this.#subscribers.push(subscriber)
    return subscriber
  }

  /** Nothing may be opened any more when all of it was given up meanwhile: nobody would close it. */
  #mustLive(): void {
    if (this.#isLost) throw new LinkLost("lost while connecting")
  }

  #hear(subscriber: Subscriber): (message: Buffer, channel: Buffer) => void {
    const partitions = new Map(this.#options.channels.map((channel, partition) => [channel, partition]))
    const only = partitions.size === 1 ? 0 : undefined
    return (message, channel) => {
      if (this.#isLost) return
      if (isHeartbeat(message)) this.#liveness.beatHeard(subscriber.channel)
      else this.#options.onMessage(only ?? partitions.get(channel.toString()) ?? 0, message)
    }
  }

  #lose(reason: string): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#liveness.stop()
    drop(this.#commands)
    for (const { client } of this.#subscribers) drop(client)
    this.#onLost(reason)
  }
}

function pairsOf(words: readonly Buffer[]): Map<string, number> {
  const pairs = new Map<string, number>()
  for (let at = 0; at < words.length; at += 2) pairs.set(String(words[at]), Number(words[at + 1]))
  return pairs
}

function toReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const text = error.message || error.name
  return ABOUT_USERS.exec(text)?.[0] ?? text
}
