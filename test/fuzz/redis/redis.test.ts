// The simulated Redis against a real one: the same random calls of the scripts that ship give the same answers, the same
// messages and the same data. Only the clock is made the same for both, as a real one cannot be told the time.

import { expect, test } from "bun:test"
import { decode, encode } from "@msgpack/msgpack"
import { createClient } from "redis"
import { makeKeys } from "../../../src/cluster/redis/keys.ts"
import { CHANGE_ROOMS, SCRIPTS } from "../../../src/cluster/redis/scripts.ts"
import { type NodeId, type PeerId, toRoomKey } from "../../../src/rooms/ids.ts"
import { Random } from "../../helpers/random.ts"
import { startRedis } from "../../helpers/redis.ts"
import { ONE_SEED } from "../seeds.ts"
import { fromBytes, type SimulatedReply, toBytes } from "./lua.ts"
import { SimulatedRedis } from "./server.ts"

/** 3,000 calls on 2 rooms of at most 3 members: each room opens, fills and closes hundreds of times. */
const CALLS = 3_000
const ROOMS = ["red", "green"].map((name) => toRoomKey(name))
const PEERS = ["a", "b", "c", "d"]
const NODES = ["one", "two", "three"] as NodeId[]
const KEYS = makeKeys("differ", false)

/** 150 ms between the end of a lease and the sweep, as of a lease of 3 s. */
const MARGIN_MS = 150

/** Some day, unix milliseconds. */
const BEGIN_MS = 1.7e12

/** Statuses of several lengths, also over the bytes that Redis keeps in a row, and not only ASCII. */
const STATUSES = ["{}", '{"a":1}', `{"name":"${"ß".repeat(40)}日本"}`, "x".repeat(300)]

/** A value for each key that a script names. */
function keyOf(name: string, node: NodeId, random: Random): string {
  const room = random.pick(ROOMS) ?? ROOMS[0]
  if (room === undefined) throw new Error("no room")
  const values: Record<string, string> = {
    room: KEYS.room(0, room),
    meta: KEYS.meta(0, room),
    nodes: KEYS.nodes(0, room),
    rooms_of: KEYS.roomsOf(0, node),
    connection_time: KEYS.connectionTime(0, 0),
    room_peaks: KEYS.roomPeaks(0, 0),
    leases: KEYS.leases,
    deployment: KEYS.deployment,
    exports: KEYS.exports,
    replaced: KEYS.replaced(0, room, (random.pick(PEERS) ?? "") as PeerId),
  }
  return values[name] ?? ""
}

/** Names of keys or arguments, those with dots twice each, as for two of them. */
function listed(names: readonly string[]): { readonly name: string; readonly at: number }[] {
  return names.flatMap((name) => {
    const [one = "", isList] = [name.replace("...", ""), name.endsWith("...")]
    return isList ? [0, 1].map((at) => ({ name: one, at })) : [{ name, at: 0 }]
  })
}

/** A value for each argument that a script names. */
function argOf(name: string, node: NodeId, now: number, random: Random): string | Buffer {
  // Grows with time, so that most commands are newer than what is there.
  const rev = (): number => Math.max(0, Math.floor((now - BEGIN_MS) / MARGIN_MS) - random.below(200))
  const members = (): Buffer => {
    const some = PEERS.filter(() => random.chance(0.4))
    const list = some.map((peer) => [
      peer,
      random.pick(NODES),
      random.below(2),
      rev(),
      random.pick(STATUSES),
      ...(random.pick(ENDS) ?? []),
    ])
    return Buffer.from(encode(list))
  }
  switch (name) {
    case "lease_until":
      return String(now + (random.chance(0.03) ? -1 : 1))
    case "publish":
      return "PUBLISH"
    case "channel":
      return KEYS.channelPrefix(0)
    case "rooms_of_prefix":
      return KEYS.roomsOfPrefix(0)
    case "node":
      return node
    case "peer":
      return random.pick(PEERS) ?? ""
    case "generation":
      return String(random.below(2))
    case "rev":
      return String(rev())
    case "status":
    case "text":
      return random.pick(STATUSES) ?? ""
    case "proof":
      return random.pick(["", "one", "two"]) ?? ""
    case "proven_by":
      return random.chance(0.7) ? "" : (random.pick(["one", "two"]) ?? "")
    case "limit":
      return "3"
    case "if_taken":
      return random.pick(["leave", "take_over", "refuse"]) ?? ""
    case "lock":
      return random.pick(["", "0", "1"]) ?? ""
    case "lock_rev":
      return String(rev())
    case "mark":
      return random.pick(["", "ada", "ben"]) ?? ""
    case "if_there":
      return random.pick(["refuse", "replace"]) ?? ""
    case "replaced_infix":
      return KEYS.replacedInfix
    case "replaced_prefix":
      return KEYS.replacedPrefix(0, random.pick(ROOMS) ?? toRoomKey("red"))
    case "replaced_seconds":
      return "3600"
    case "with_snapshot":
    case "only_if_over":
      return String(random.below(2))
    case "own":
    case "others":
      return members()
    case "lease_ms":
      return String(20 * MARGIN_MS)
    case "margin_ms":
      return String(MARGIN_MS)
    case "partitions":
      return random.chance(0.05) ? "2" : "1"
    case "hour":
      return String(random.below(50))
    default:
      return `${name} ${random.below(1e9)}`
  }
}

/** The words of each kind of change, as the script's header has them. */
const CHANGES = new Map(
  [...CHANGE_ROOMS.text.matchAll(/^-- {9}(join|leave|status|frame) (.+)$/gm)].map(([, kind = "", names = ""]) => [
    kind,
    names.split(" "),
  ]),
)

/** What a node may say of a member beyond its status: generation it was born with, proof, and mark. */
const ENDS = [[], [false, false], [0, false], [false, "one"], [0, "two"], [0, "two", "ada"], [false, false, "ben"]]

/** Lists in which only the pairs count, not their order, and packed members, made comparable. */
function comparable(reply: SimulatedReply): unknown {
  if (!Array.isArray(reply)) return reply
  const isPairs = reply.length % 2 === 0 && reply.length > 0 && reply.every((entry) => typeof entry === "string")
  if (!isPairs) return reply.map(comparable)
  return Array.from({ length: reply.length / 2 }, (_, at) => [reply[2 * at], reply[2 * at + 1]]).sort()
}

function toSimulated(reply: unknown): SimulatedReply {
  if (Buffer.isBuffer(reply)) return fromBytes(reply)
  return Array.isArray(reply) ? reply.map(toSimulated) : (reply as number | null)
}

test(`the simulated Redis does what a real one does (SEED=${ONE_SEED})`, async () => {
  await using server = await startRedis()
  const client = createClient({ url: server.url })
  const subscriber = createClient({ url: server.url })
  // A failed comparison ends the server first; that is no other failure.
  for (const each of [client, subscriber]) each.on("error", () => {})
  await Promise.all([client.connect(), subscriber.connect()])
  const random = new Random(ONE_SEED)
  let now = BEGIN_MS
  const simulated = new SimulatedRedis(() => now)
  const said: [string[], string[]] = [[], []]
  for (const node of NODES) {
    const channel = KEYS.channelPrefix(0) + node
    simulated.subscribe(channel, (message) => said[0].push(`${node} ${fromNodeMessage(message)}`))
    await subscriber.subscribe(
      channel,
      (message: Buffer) => {
        said[1].push(`${node} ${fromNodeMessage(fromBytes(message))}`)
      },
      true,
    )
  }
  const answers = new Map<string, number>()
  for (let count = 0; count < CALLS; count++) {
    // Whole margins, so that ends of leases are met to the millisecond.
    now += random.below(8) * MARGIN_MS
    const script = random.chance(0.3) ? CHANGE_ROOMS : random.pick(SCRIPTS)
    const node = random.pick(NODES)
    if (script === undefined || node === undefined) throw new Error("nothing to call")
    // All keys of one call are of one room.
    const state = random.below(2 ** 31)
    const keys = listed(script.keys).map(({ name, at }) => keyOf(name, node, new Random(state + at)))
    const kinds: string[] = []
    const namesOf = (name: string): string[] => {
      if (name !== "change") return [name]
      const kind = random.pick([...CHANGES.keys()]) ?? ""
      kinds.push(kind)
      return [`is ${kind}`, ...(CHANGES.get(kind) ?? [])]
    }
    const named = listed(script.args).flatMap(({ name, at }) => namesOf(name).map((each) => ({ name: each, at })))
    const args = named.map(({ name }) => (name.startsWith("is ") ? name.slice(3) : argOf(name, node, now, random)))
    if (random.chance(0.02)) {
      const key = random.pick(simulated.data.keys()) ?? ""
      simulated.data.evict(key)
      await client.del(key)
    }
    // The room's own key goes where the script takes it as an argument.
    const roomsOfKeys = keys.flatMap((key) => ROOMS.find((each) => key.includes(each)) ?? [])
    const roomAt = (at: number) => roomsOfKeys[at] ?? ROOMS[0] ?? ""
    const words = args.map((arg, index) => {
      const { name, at } = named[index] ?? { name: "", at: 0 }
      return name === "room_key" ? roomAt(at) : arg
    })
    const texts = words.map((word) => fromBytes(typeof word === "string" ? Buffer.from(word) : word))
    const text = script.text.replace('redis.call("TIME")', `{"${Math.floor(now / 1000)}", "${(now % 1000) * 1000}"}`)
    const mine = simulated.run(script.text, keys, texts)
    const theirs: unknown = await client.sendCommand(["EVAL", text, String(keys.length), ...keys, ...words], {
      returnBuffers: true,
    })
    expect({ script: script.name, reply: comparable(mine) }).toEqual({
      script: script.name,
      reply: comparable(toSimulated(theirs)),
    })
    const changed = (name: string, answer: SimulatedReply | undefined) =>
      answers.set(name, (answers.get(name) ?? 0) + (Array.isArray(answer) && answer[0] === 1 ? 1 : 0))
    if (kinds.length === 0) changed(script.name, mine)
    else if (Array.isArray(mine)) for (const [at, kind] of kinds.entries()) changed(kind, mine[at + 1])
    if (count % 20 === 0) expect(await dumpOf(client)).toEqual(simulated.data.dump())
  }
  // What was published before has come when this has.
  for (const node of NODES) await client.publish(KEYS.channelPrefix(0) + node, Buffer.from(encode("that was all")))
  await expectSoon(() => said[1].filter((line) => line.includes("that was all")).length === NODES.length)
  for (const node of NODES) {
    const of = (lines: string[]) => lines.filter((line) => line.startsWith(`${node} `) && !line.includes("that was"))
    expect(of(said[1])).toEqual(of(said[0]))
  }
  expect(said[0].length).toBeGreaterThan(CALLS / 4)
  for (const name of [...CHANGES.keys(), "prove_member", "restore_room", "renew_lease"]) {
    expect({ name, changed: (answers.get(name) ?? 0) > 0 }).toEqual({ name, changed: true })
  }
  await Promise.all([client.disconnect(), subscriber.disconnect()])
}, 60_000)

/** A message as what it says: equal bytes or not, MessagePack has more than one way to write a number. */
function fromNodeMessage(message: string): string {
  return JSON.stringify(decode(toBytes(message)))
}

async function expectSoon(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate)
}

/** All data of a real Redis, as RedisData.dump() shows it. */
async function dumpOf(client: ReturnType<typeof createClient>): Promise<Record<string, unknown>> {
  const ask = async (...words: string[]) => toSimulated(await client.sendCommand(words, { returnBuffers: true }))
  const dump: Record<string, unknown> = {}
  for (const key of ((await ask("KEYS", "*")) as string[]).sort()) {
    const type = String(await client.type(key))
    if (type === "string") {
      dump[key] = await ask("GET", key)
      continue
    }
    const list = (await ask(...readerOf(type, key))) as string[]
    const pairs = Array.from({ length: list.length / 2 }, (_, at) => [list[2 * at], list[2 * at + 1]])
    if (type === "hash") dump[key] = Object.fromEntries(pairs.sort())
    else if (type === "set") dump[key] = list.sort()
    else dump[key] = Object.fromEntries(pairs.map(([member, score]) => [member, Number(score)]).sort())
  }
  return dump
}

function readerOf(type: string, key: string): string[] {
  if (type === "hash") return ["HGETALL", key]
  return type === "set" ? ["SMEMBERS", key] : ["ZRANGE", key, "0", "-1", "WITHSCORES"]
}
