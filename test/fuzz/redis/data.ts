// The data of a simulated Redis, and the commands that our scripts and links use, as Redis carries them out. Text is
// bytes, one character each. A test compares it with a real Redis.

import type { SimulatedReply } from "./lua.ts"

type Value =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "hash"; readonly fields: Map<string, string> }
  | { readonly kind: "set"; readonly members: Set<string> }
  | { readonly kind: "zset"; readonly scores: Map<string, number> }

/** The commands of a script that are not about data. */
const OUTSIDE = new Set(["TIME", "PUBLISH", "SPUBLISH"])

/** Whether a command is about something else than data. */
export function isOutside(command: string): boolean {
  return OUTSIDE.has(command)
}

/** See the head of this file. */
export class RedisData {
  readonly #values = new Map<string, Value>()

  /** A copy that goes its own way from here on. */
  copy(): RedisData {
    const copy = new RedisData()
    for (const [key, value] of this.#values) copy.#values.set(key, copyOf(value))
    return copy
  }

  keys(): string[] {
    return [...this.#values.keys()]
  }

  /** Drops a key, as an eviction does. */
  evict(key: string): void {
    this.#values.delete(key)
  }

  /** Everything, in an order that does not matter: for comparing. */
  dump(): Record<string, unknown> {
    return Object.fromEntries(
      [...this.#values].sort().map(([key, value]) => {
        if (value.kind === "text") return [key, value.text]
        if (value.kind === "hash") return [key, Object.fromEntries([...value.fields].sort())]
        if (value.kind === "set") return [key, [...value.members].sort()]
        return [key, Object.fromEntries([...value.scores].sort())]
      }),
    )
  }

  /** A hash, empty when there is none. Only commands change it. */
  hash(key: string): ReadonlyMap<string, string> {
    return this.#as(key, "hash")?.fields ?? new Map()
  }

  /** The members of a set. */
  members(key: string): string[] {
    return [...(this.#as(key, "set")?.members ?? [])]
  }

  /** The scores of a sorted set. */
  scores(key: string): ReadonlyMap<string, number> {
    return this.#as(key, "zset")?.scores ?? new Map()
  }

  /** Carries out a command. @throws on one that is not known here, or of another type than the key's value */
  call([command = "", key = "", ...args]: readonly string[]): SimulatedReply {
    switch (command) {
      case "DEL":
        return [key, ...args].filter((each) => this.#values.delete(each)).length
      case "GET":
        return this.#as(key, "text")?.text ?? null
      case "SET":
        // It is kept for an hour, which no run is long.
        this.#values.set(key, { kind: "text", text: args[0] ?? "" })
        return "OK"
      case "HDEL":
      case "HGET":
      case "HGETALL":
      case "HINCRBY":
      case "HKEYS":
      case "HLEN":
      case "HMGET":
      case "HSET":
        return this.#callHash(command, key, args)
      case "SADD":
      case "SMEMBERS":
      case "SREM":
        return this.#callSet(command, key, args)
      case "ZADD":
      case "ZCARD":
      case "ZRANGEBYSCORE":
      case "ZREM":
      case "ZSCORE":
        return this.#callSorted(command, key, args)
      default:
        throw new Error(`not simulated: ${command}`)
    }
  }

  #callHash(command: string, key: string, args: string[]): SimulatedReply {
    const known = this.#as(key, "hash")?.fields
    const [field = "", by = "0"] = args
    switch (command) {
      case "HGET":
        return known?.get(field) ?? null
      case "HMGET":
        return args.map((name) => known?.get(name) ?? null)
      case "HGETALL":
        return [...(known ?? [])].flat()
      case "HKEYS":
        return [...(known?.keys() ?? [])]
      case "HLEN":
        return known?.size ?? 0
      case "HDEL": {
        const removed = args.filter((name) => known?.delete(name)).length
        this.#dropIfEmpty(key, known)
        return removed
      }
      default: {
        const fields = known ?? new Map<string, string>()
        this.#values.set(key, { kind: "hash", fields })
        if (command === "HINCRBY") {
          const sum = toInteger(fields.get(field) ?? "0") + toInteger(by)
          fields.set(field, String(sum))
          return sum
        }
        const before = fields.size
        for (let at = 0; at < args.length; at += 2) fields.set(args[at] ?? "", args[at + 1] ?? "")
        return fields.size - before
      }
    }
  }

  #callSet(command: string, key: string, args: string[]): SimulatedReply {
    const known = this.#as(key, "set")?.members
    if (command === "SMEMBERS") return [...(known ?? [])]
    if (command === "SREM") {
      const removed = args.filter((member) => known?.delete(member)).length
      this.#dropIfEmpty(key, known)
      return removed
    }
    const members = known ?? new Set<string>()
    this.#values.set(key, { kind: "set", members })
    const before = members.size
    for (const member of args) members.add(member)
    return members.size - before
  }

  #callSorted(command: string, key: string, args: string[]): SimulatedReply {
    const known = this.#as(key, "zset")?.scores
    switch (command) {
      case "ZCARD":
        return known?.size ?? 0
      case "ZSCORE": {
        const score = known?.get(args[0] ?? "")
        return score === undefined ? null : String(score)
      }
      case "ZREM": {
        const removed = args.filter((member) => known?.delete(member)).length
        this.#dropIfEmpty(key, known)
        return removed
      }
      case "ZRANGEBYSCORE":
        return rangeByScore(known ?? new Map(), args)
      default: {
        const isNew = args[0] === "NX"
        const [score = "", member = ""] = isNew ? args.slice(1) : args
        const scores = known ?? new Map<string, number>()
        this.#values.set(key, { kind: "zset", scores })
        if (scores.has(member) && isNew) return 0
        const added = scores.has(member) ? 0 : 1
        scores.set(member, toScore(score))
        return added
      }
    }
  }

  #as<Kind extends Value["kind"]>(key: string, kind: Kind): Extract<Value, { kind: Kind }> | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    if (value.kind !== kind) throw new Error(`WRONGTYPE ${key} is a ${value.kind}`)
    return value as Extract<Value, { kind: Kind }>
  }

  #dropIfEmpty(key: string, entries: { readonly size: number } | undefined): void {
    if (entries?.size === 0) this.#values.delete(key)
  }
}

function copyOf(value: Value): Value {
  if (value.kind === "text") return value
  if (value.kind === "hash") return { kind: "hash", fields: new Map(value.fields) }
  if (value.kind === "set") return { kind: "set", members: new Set(value.members) }
  return { kind: "zset", scores: new Map(value.scores) }
}

/** `min max [WITHSCORES] [LIMIT offset count]`, ends as `(number`, `number`, `-inf` or `+inf`. */
function rangeByScore(scores: ReadonlyMap<string, number>, [min = "", max = "", ...options]: string[]): string[] {
  const isIn = (score: number): boolean =>
    (min.startsWith("(") ? score > toScore(min.slice(1)) : score >= toScore(min)) &&
    (max.startsWith("(") ? score < toScore(max.slice(1)) : score <= toScore(max))
  let found = [...scores].filter(([, score]) => isIn(score))
  found.sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
  const limit = options.indexOf("LIMIT")
  if (limit >= 0) {
    const offset = Number(options[limit + 1])
    found = found.slice(offset, offset + Number(options[limit + 2]))
  }
  return options[0] === "WITHSCORES"
    ? found.flatMap(([member, score]) => [member, String(score)])
    : found.map(([member]) => member)
}

function toInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new Error(`ERR hash value is not an integer: ${text}`)
  return value
}

function toScore(text: string): number {
  if (text === "-inf") return Number.NEGATIVE_INFINITY
  if (text === "+inf") return Number.POSITIVE_INFINITY
  const value = Number(text)
  if (Number.isNaN(value)) throw new Error(`ERR min or max is not a float: ${text}`)
  return value
}
