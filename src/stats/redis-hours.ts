// The hours of a deployment with Redis: the Lua scripts count them there, whichever node a peer was at and however it
// left; here they are read, exported once, and given an end. It has a connection of its own, made when needed and
// dropped at the first trouble, so an operator who reads a year of hours never holds up a join.

import { setTimeout as sleep } from "node:timers/promises"
import { type Client, type Cluster, makeClient, makeCluster, type RedisTls, toPlace } from "../cluster/redis/clients.ts"
import { type Keys, makeKeys } from "../cluster/redis/keys.ts"
import { CLAIM_HOUR, callOf } from "../cluster/redis/scripts.ts"
import { addCounts, HOUR, type Hour, type HourCounts, type HourStore, hourOf, type Ledger } from "./hours.ts"

/** Where the hours are. */
export interface RedisHoursOptions {
  readonly urls: readonly string[]
  /** For `rediss://`. */
  readonly tls?: RedisTls
  readonly isCluster: boolean
  readonly prefix: string
  /** How long a closed hour is kept. */
  readonly days: number
}

/** 5 s: a Redis that does not answer within is away. */
const ANSWER_MS = 5000

/** 60 s without a question end the connection: a page that looks once a minute keeps it, an hourly job does not. */
const IDLE_MS = 60_000

/** 24 hours at once: in a cluster of 128 partitions some 6,000 commands in one pipeline. */
const HOURS_AT_ONCE = 24

/** 2 hours: far longer than any clock or script may be late, so an older hour need not be read twice. */
const SETTLED_HOURS = 2

/** 2000 hours, 83 days, some megabytes: what a page may show is read once, not once a minute. */
const MOST_SETTLED = 2000

/** See the head of this file. */
export class RedisHours implements HourStore {
  readonly counter = undefined
  readonly ledger: Ledger
  readonly #options: RedisHoursOptions
  readonly #keys: Keys
  /** Hours that nobody adds to any more. */
  readonly #settled = new Map<Hour, HourCounts>()
  #client: Promise<Client | Cluster> | undefined
  #idle: Timer | undefined

  constructor(options: RedisHoursOptions) {
    this.#options = options
    this.#keys = makeKeys(options.prefix, options.isCluster)
    this.ledger = new RedisLedger(this.#keys, (call) => this.#run(call))
  }

  async now(): Promise<number> {
    return await this.#run(async (client) => {
      // Any master will do: their clocks are as good as each other.
      const text = await client.eval('return redis.call("TIME")', { keys: [this.#keys.exports], arguments: [] })
      const [seconds, microseconds] = text as [string, string]
      return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
    })
  }

  async read(from: Hour, to: Hour): Promise<HourCounts[]> {
    const all: HourCounts[] = []
    for (let first = from; first <= to; first += HOURS_AT_ONCE * HOUR) {
      const hours: Hour[] = []
      for (let hour = first; hour <= to && hours.length < HOURS_AT_ONCE; hour += HOUR) hours.push(hour)
      const counts = await this.#run((client) => Promise.all(hours.map((hour) => this.#readHour(client, hour))))
      all.push(...counts.filter(({ rooms, minutes }) => !isEmpty(rooms) || !isEmpty(minutes)))
    }
    const settledBefore = hourOf(Date.now()) - SETTLED_HOURS * HOUR
    for (const counts of all) if (counts.hour < settledBefore) this.#settled.set(counts.hour, counts)
    for (const hour of this.#settled.keys()) {
      if (this.#settled.size <= MOST_SETTLED) break
      this.#settled.delete(hour)
    }
    return all
  }

  async expire(hour: Hour): Promise<void> {
    const end = hour + HOUR + this.#options.days * 24 * HOUR
    await this.#run((client) =>
      Promise.all(
        this.#namesOf(hour)
          .flat()
          .map((name) => client.expireAt(name, end)),
      ),
    )
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    const client = await this.#client?.catch(() => undefined)
    this.#client = undefined
    await client?.disconnect().catch(() => {})
  }

  async #readHour(client: Client | Cluster, hour: Hour): Promise<HourCounts> {
    const settled = this.#settled.get(hour)
    if (settled !== undefined) return settled
    const sums = this.#namesOf(hour).map(async (names) => {
      const sum: Record<string, number> = {}
      for (const hash of await Promise.all(names.map((name) => client.hGetAll(name)))) addCounts(sum, toNumbers(hash))
      return sum
    })
    const [rooms = {}, minutes = {}] = await Promise.all(sums)
    return { hour, rooms, minutes }
  }

  /** The hashes of an hour, of all partitions: those of the rooms, those of the stays. */
  #namesOf(hour: Hour): [rooms: string[], minutes: string[]] {
    const partitions = [...Array(this.#keys.partitions).keys()]
    return [
      partitions.map((partition) => this.#keys.roomPeaks(partition, hour)),
      partitions.map((partition) => this.#keys.connectionTime(partition, hour)),
    ]
  }

  /** Runs `call` on a working client; after any failure the next call gets a fresh one. */
  async #run<T>(call: (client: Client | Cluster) => Promise<T>): Promise<T> {
    this.#client ??= this.#connect()
    const connected = this.#client
    const timeout = new AbortController()
    try {
      const late = sleep(ANSWER_MS, undefined, { signal: timeout.signal }).then(() => {
        throw new Error(`Redis did not answer within ${ANSWER_MS / 1000} s`)
      })
      late.catch(() => {})
      return await Promise.race([connected.then(call), late])
    } catch (cause) {
      if (this.#client === connected) await this.close()
      throw cause
    } finally {
      timeout.abort()
      clearTimeout(this.#idle)
      if (this.#client !== undefined) this.#idle = setTimeout(() => this.close(), IDLE_MS)
    }
  }

  #connect(): Promise<Client | Cluster> {
    const places = this.#options.urls.map((url) => toPlace(url, this.#options.tls))
    const [first] = places
    if (first === undefined) throw new TypeError("no Redis given")
    const client = this.#options.isCluster
      ? makeCluster(places, "palava-stats", ANSWER_MS)
      : makeClient(first, "palava-stats", ANSWER_MS)
    const connecting = client.connect().then(() => client)
    // What goes wrong shows in the call that meets it; a connection lost between two calls is replaced by the next.
    client.on("error", () => {
      if (this.#client === connecting) this.#client = undefined
      client.disconnect().catch(() => {})
    })
    return connecting
  }
}

class RedisLedger implements Ledger {
  readonly #keys: Keys
  readonly #run: <T>(call: (client: Client | Cluster) => Promise<T>) => Promise<T>
  /** Tells our lock from another's. */
  readonly #token = crypto.randomUUID()

  constructor(keys: Keys, run: <T>(call: (client: Client | Cluster) => Promise<T>) => Promise<T>) {
    this.#keys = keys
    this.#run = run
  }

  /** It spares work and repeated requests; that no hour is exported twice does not depend on it, but on `claim`. */
  lock(ms: number): Promise<boolean> {
    return this.#run(async (client) => {
      if ((await client.set(this.#keys.exportLock, this.#token, { PX: ms, NX: true })) === "OK") return true
      if ((await client.get(this.#keys.exportLock)) !== this.#token) return false
      await client.pExpire(this.#keys.exportLock, ms)
      return true
    })
  }

  unlock(): Promise<void> {
    return this.#run(async (client) => {
      if ((await client.get(this.#keys.exportLock)) === this.#token) await client.del(this.#keys.exportLock)
    })
  }

  last(): Promise<Hour | undefined> {
    return this.#run(async (client) => {
      const last = await client.hGet(this.#keys.exports, "last")
      return last == null ? undefined : Number(last)
    })
  }

  claim(hour: Hour, sink: string, line: string): Promise<boolean> {
    const { script, keys, args } = callOf(
      CLAIM_HOUR,
      { exports: this.#keys.exports },
      { hour: String(hour), sink, line },
    )
    return this.#run(async (client) => {
      const reply = await client.eval(script.text, { keys: [...keys], arguments: args.map(String) })
      return reply === 1
    })
  }

  pending(sink: string): Promise<{ hour: Hour; line: string }[]> {
    return this.#run(async (client) => {
      const entries = Object.entries(await client.hGetAll(this.#keys.exports))
      return entries
        .filter(([, value]) => value.startsWith(`${sink} `))
        .map(([hour, value]) => ({ hour: Number(hour), line: value.slice(sink.length + 1) }))
        .sort((a, b) => a.hour - b.hour)
    })
  }

  done(hour: Hour): Promise<void> {
    return this.#run(async (client) => {
      await client.hDel(this.#keys.exports, String(hour))
    })
  }
}

function toNumbers(hash: Record<string, string>): Record<string, number> {
  return Object.fromEntries(Object.entries(hash).map(([key, count]) => [key, Number(count)]))
}

function isEmpty(counts: object): boolean {
  return Object.keys(counts).length === 0
}
