// A chat that late joiners can read back. Clients send {"event":"chat","text":"..."}; every member gets `chat` with id,
// peer_id, text and at. A newcomer finds the last messages as `chat_history` in `joined_room`.
//
// Each node remembers the messages of the rooms it has members in, in memory. When the first member of a room comes to
// a node, the node asks the one that has been in the room the longest, and the newcomer gets what it answers as one
// further `chat_history` event. When the last member leaves a node, the node forgets. Nothing is stored.

import { definePlugin, onEvent, refuse, v } from "palava-machine"

interface Message {
  readonly id: string
  readonly peer_id: string
  readonly text: string
  /** Unix milliseconds. */
  readonly at: number
}

/** What the plug-in says to itself at other nodes. */
type Told = { readonly said: Message } | { readonly ask: true } | { readonly history: readonly Message[] }

const whole = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most))

export default definePlugin({
  name: "chat-history",
  contract: 1,
  options: v.strictObject({
    /** Messages remembered for each room. */
    messages: v.optional(whole(1000), 50),
    /** Longest text. */
    characters: v.optional(whole(10_000), 2000),
  }),
  setup(server, options) {
    const histories = new Map<string, Message[]>()

    /** Adds what is new, in the order of time, and drops the oldest. */
    function remember(room: string, messages: readonly Message[]): Message[] {
      const history = histories.get(room)
      if (history === undefined) return []
      const known = new Set(history.map(({ id }) => id))
      const added = messages.filter(({ id }) => !known.has(id))
      history.push(...added)
      history.sort((a, b) => a.at - b.at)
      history.splice(0, history.length - options.messages)
      return added
    }

    return {
      events: {
        chat: onEvent(
          v.object({ text: v.pipe(v.string(), v.nonEmpty(), v.maxLength(options.characters)) }),
          ({ connection, fields }) => {
            const { room } = connection
            if (room === undefined) return refuse("not_in_room", "currently not in any room")
            const message = { id: crypto.randomUUID(), peer_id: connection.peer, text: fields.text, at: Date.now() }
            remember(room.key, [message])
            room.tell({ said: message } satisfies Told)
            room.publish("chat", message)
            return undefined
          },
        ),
      },

      decorate: (_connection, room) => ({ chat_history: histories.get(room.key) ?? [] }),

      observe: {
        joined(_peer, key) {
          if (histories.has(key)) return
          histories.set(key, [])
          const oldest = server.room(key)?.members[0]
          if (oldest !== undefined && oldest.node !== server.node) {
            server.tell(oldest.node, key, { ask: true } satisfies Told)
          }
        },
        left(_peer, key) {
          if (server.room(key) === undefined) histories.delete(key)
        },
      },

      told(message, key, from) {
        const told = message as Told
        if ("said" in told) remember(key, [told.said])
        else if ("ask" in told) server.tell(from, key, { history: histories.get(key) ?? [] } satisfies Told)
        else {
          const added = remember(key, told.history)
          const room = added.length === 0 ? undefined : server.room(key)
          for (const { peer, node } of room?.members ?? []) {
            if (node === server.node) room?.send(peer, "chat_history", { messages: added })
          }
        }
      },
    }
  },
})
