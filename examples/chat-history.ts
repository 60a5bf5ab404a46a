// A chat that late joiners can read back. Clients send {"event":"chat","text":"..."}; every member gets `chat` with id,
// peer_id, text and at. A newcomer finds the last messages as `chat_history` in `joined_room`.
//
// Each node remembers the messages of the rooms it has members in, in memory. When the first member of a room comes to
// a node, the node asks the one that has been in the room the longest, and the newcomer gets what it answers as one
// further `chat_history` event. When the last member leaves a node, the node forgets. Nothing is stored.
//
// Whoever asks pays: what is remembered is bounded for each room and in all, and when all of it is full, the address that
// said most loses what it said in one room. What is read back is bounded for each address: who joins again and again finds
// an empty `chat_history` after a while.

import { createHmac, randomBytes } from "node:crypto"
import { definePlugin, onEvent, refuse, v } from "palava-machine"
import { sourceOf } from "./source-of.ts"

interface Message {
  readonly id: string
  readonly peer_id: string
  readonly text: string
  /** Unix milliseconds. */
  readonly at: number
}

/** A message, and what stands for the address of who said it: no client is told, and it does not tell the address. */
interface Said {
  readonly message: Message
  readonly source: string
}

/** What the plug-in says to itself at other nodes. */
type Told = { readonly said: Said } | { readonly ask: true } | { readonly history: readonly Said[] }

/** What is known of an address: what it may still read back, and when that was so. */
interface Reader {
  readonly characters: number
  readonly at: number
}

/** Of a message, besides its text: ids, time, JSON. */
const OVERHEAD = 150

/** 64 rooms' histories at once, then one every four seconds: an office that comes in together reads all of it. */
const READS_AT_ONCE = 64
const READ_EVERY_MS = 4000

/** 10,000 addresses whose reading is remembered; who has not read for longest is forgotten first. */
const MOST_READERS = 10_000

const whole = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most))
const sizeOf = ({ message }: Said): number => message.text.length + OVERHEAD

export default definePlugin({
  name: "chat-history",
  contract: 1,
  options: v.strictObject({
    /** Messages remembered for each room. */
    messages: v.optional(whole(1000), 50),
    /** Longest text. */
    characters: v.optional(whole(10_000), 2000),
    /** Characters remembered for each room: so much more has each newcomer to be sent. */
    room_characters: v.optional(whole(1_000_000), 16_384),
    /** Characters remembered in all. */
    all_characters: v.optional(whole(1_000_000_000), 16_777_216),
  }),
  setup(server, options) {
    const histories = new Map<string, Said[]>()
    /** Characters remembered, by who said them. */
    const sizes = new Map<string, number>()
    const readers = new Map<string, Reader>()
    let size = 0
    /** Known to this process alone, so that what other nodes hear of an address is not the address. */
    const secret = randomBytes(32)

    function count(said: Said, sign: 1 | -1): void {
      const change = sign * sizeOf(said)
      size += change
      const own = (sizes.get(said.source) ?? 0) + change
      if (own === 0) sizes.delete(said.source)
      else sizes.set(said.source, own)
    }

    function forget(history: Said[], at = 0): void {
      for (const said of history.splice(at, 1)) count(said, -1)
    }

    /** Adds what is new, in the order of time, and drops the oldest of the room. */
    function remember(room: string, messages: readonly Said[]): Said[] {
      const history = histories.get(room)
      if (history === undefined) return []
      const known = new Set(history.map(({ message }) => message.id))
      const added = messages.filter(({ message }) => !known.has(message.id))
      for (const said of added) count(said, 1)
      history.push(...added)
      history.sort((a, b) => a.message.at - b.message.at)
      const sum = () => history.reduce((total, said) => total + sizeOf(said), 0)
      while (history.length > options.messages || sum() > options.room_characters) forget(history)
      while (size > options.all_characters) forgetOfGreediest()
      return added
    }

    /** The address that said most loses what it said in one of its rooms: all of it, so that this is seldom looked for. */
    function forgetOfGreediest(): void {
      const [greediest] = [...sizes].reduce((one, other) => (other[1] > one[1] ? other : one))
      const isIts = ({ source }: Said): boolean => source === greediest
      const history = [...histories.values()].find((history) => history.some(isIts)) ?? []
      for (let at = history.findIndex(isIts); at >= 0; at = history.findIndex(isIts)) forget(history, at)
    }

    /** Whether an address may read so many characters more. */
    function mayRead(source: string, characters: number): boolean {
      const [most, now] = [READS_AT_ONCE * options.room_characters, Date.now()]
      const { characters: before, at } = readers.get(source) ?? { characters: most, at: now }
      const left = Math.min(most, before + ((now - at) / READ_EVERY_MS) * options.room_characters)
      readers.delete(source)
      readers.set(source, { characters: left < characters ? left : left - characters, at: now })
      const [oldest] = readers.keys()
      if (readers.size > MOST_READERS && oldest !== undefined) readers.delete(oldest)
      return left >= characters
    }

    return {
      connect: (_request, { address }) => createHmac("sha256", secret).update(sourceOf(address)).digest("base64url"),

      events: {
        chat: onEvent(
          v.object({ text: v.pipe(v.string(), v.nonEmpty(), v.maxLength(options.characters)) }),
          ({ connection, fields }) => {
            const { room } = connection
            if (room === undefined) return refuse("not_in_room", "currently not in any room")
            const message = { id: crypto.randomUUID(), peer_id: connection.peer, text: fields.text, at: Date.now() }
            const said = { message, source: String(connection.data) }
            remember(room.key, [said])
            room.tell({ said } satisfies Told)
            room.publish("chat", message)
            return undefined
          },
        ),
      },

      decorate(connection, room) {
        const history = histories.get(room.key) ?? []
        const characters = history.reduce((sum, said) => sum + sizeOf(said), 0)
        const isAllowed = mayRead(String(connection.data), characters)
        return { chat_history: isAllowed ? history.map(({ message }) => message) : [] }
      },

      observe: {
        joined(peer, key) {
          if (histories.has(key)) return
          histories.set(key, [])
          const oldest = server.room(key)?.members[0]
          if (oldest === undefined || oldest.node === server.node) return
          // It may be as much as a room has.
          if (!mayRead(String(server.connection(peer)?.data), options.room_characters)) return
          server.tell(oldest.node, key, { ask: true } satisfies Told)
        },
        left(_peer, key) {
          if (server.room(key) !== undefined) return
          for (const said of histories.get(key) ?? []) count(said, -1)
          histories.delete(key)
        },
      },

      metrics: {
        characters: { help: "Characters remembered in all rooms.", read: () => size },
      },

      keeps: () => size * 2,

      told(message, key, from) {
        const told = message as Told
        if ("said" in told) remember(key, [told.said])
        else if ("ask" in told) server.tell(from, key, { history: histories.get(key) ?? [] } satisfies Told)
        else {
          const added = remember(key, told.history).map(({ message }) => message)
          const room = added.length === 0 ? undefined : server.room(key)
          for (const { peer, node } of room?.members ?? []) {
            if (node === server.node) room?.send(peer, "chat_history", { messages: added })
          }
        }
      },
    }
  },
})
