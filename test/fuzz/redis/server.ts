// A simulated Redis: data, a clock, Lua, channels. Each command or script is one atomic step. What can happen to it
// (it goes, comes back empty or with older data, forgets a key, its clock jumps) is done by changing it from outside.

import { decodeNodeMessage, readPackedMember } from "../../../src/cluster/node-message.ts"
import type { RoomKey } from "../../../src/rooms/ids.ts"
import type { RoomEvent } from "../../../src/rooms/room-store.ts"
import { isOutside, RedisData } from "./data.ts"
import { LuaScripts, type SimulatedReply, toBytes } from "./lua.ts"

/** The key of a room's members. */
const ROOM = /:room:([0-9a-f]{64})$/

/** Who listens on a channel. */
export type Subscriber = (message: string) => void

/** See the head of this file. */
export class SimulatedRedis {
  data = new RedisData()
  /** Milliseconds by which its clock is ahead of the world's. */
  clockAheadMs = 0
  /** Grows when this life of the data is over: what was on its way to it never arrives. */
  life = 1
  /** Everything announced in this life, room by room, as in the log. */
  readonly logs = new Map<RoomKey, RoomEvent[]>()
  readonly #subscribers = new Map<string, Set<Subscriber>>()
  readonly #unixMs: () => number
  readonly #scripts = new LuaScripts((words) => this.command(words))
  /** Places in logs of which the step under way has spoken: one goes to many channels, and is in the log once. */
  readonly #said = new Set<string>()

  /** @param unixMs the world's clock */
  constructor(unixMs: () => number) {
    this.#unixMs = unixMs
  }

  /** Runs a script. */
  run(text: string, keys: readonly string[], args: readonly string[]): SimulatedReply {
    this.#said.clear()
    return this.#scripts.run(text, keys, args)
  }

  /** Carries out one command. */
  command(words: readonly string[]): SimulatedReply {
    const [command = "", channel = "", message = ""] = words
    if (!isOutside(command)) return this.data.call(words)
    if (command !== "TIME") return this.#publish(channel, message)
    const micros = Math.floor((this.#unixMs() + this.clockAheadMs) * 1000)
    return [String(Math.floor(micros / 1e6)), String(micros % 1e6)]
  }

  /** @returns ends the subscription */
  subscribe(channel: string, subscriber: Subscriber): () => void {
    const known = this.#subscribers.get(channel) ?? new Set()
    this.#subscribers.set(channel, known.add(subscriber))
    return () => known.delete(subscriber)
  }

  /** Goes on with other data: what came after it, or everything, is lost. */
  becomes(data: RedisData): void {
    this.data = data
    this.life++
    this.beginLogs()
  }

  /** The logs begin with who is there now: what went before was lost, or said to nobody. */
  beginLogs(): void {
    this.logs.clear()
    const { data } = this
    for (const key of data.keys()) {
      const room = ROOM.exec(key)?.[1] as RoomKey | undefined
      if (room === undefined) continue
      const members = [...data.hash(key)].map(([peer, packed]) => readPackedMember(peer, toBytes(packed)).member)
      this.logs.set(
        room,
        members.map((member) => ({ epoch: "", seq: 0, kind: "joined", member })),
      )
    }
  }

  #publish(channel: string, message: string): number {
    const decoded = decodeNodeMessage(toBytes(message))
    if (typeof decoded === "object" && decoded.kind === "events") {
      for (const { room, events } of decoded.rooms) for (const event of events) this.#log(room, event)
    }
    const subscribers = this.#subscribers.get(channel) ?? new Set()
    for (const subscriber of subscribers) subscriber(message)
    return subscribers.size
  }

  #log(room: RoomKey, event: RoomEvent): void {
    const place = `${room} ${event.epoch} ${event.seq}`
    if (this.#said.has(place)) return
    this.#said.add(place)
    const log = this.logs.get(room)
    if (log === undefined) this.logs.set(room, [event])
    else log.push(event)
  }
}
