// A waiting room: who is in a room longest is its host and lets the others in, one by one.
//
// A join is answered with the error `waiting_for_host`, and the host gets `knock` {peer_id, name}. It answers with
// {"event":"let_in","peer_id"} or {"event":"turn_away","peer_id"}; the one who waits gets `let_in` or `turned_away`
// {room_id}, and after `let_in` joins once more, which now works. Nobody waits inside a request, so a waiting client
// stays a healthy one, and it may knock again at any time, for instance when the host has changed; but not all the time:
// past a few knocks a second it is told `knocking_too_often`, and neither host nor store hears of it. Being let in is
// good for a minute, and only while who did it is still there: the next meeting in the room has a host of its own.
//
// Host and guest may be at different nodes: the guest's node asks the store who the host is and tells the plug-in at
// the host's node; the answer goes back the same way.

import { createHmac, randomBytes } from "node:crypto"
import { type Connection, definePlugin, onEvent, type Refusal, refuse, v } from "palava-machine"
import { sourceOf } from "./source-of.ts"

/** What the plug-in says to itself at other nodes. */
type Told =
  | { readonly knock: { readonly peer: string; readonly name: string; readonly host: string; readonly source: string } }
  | { readonly answer: { readonly peer: string; readonly host: string; readonly isWelcome: boolean } }

/** A guest at the door, as the host's node knows it. */
interface Knock {
  readonly room: string
  /** The guest's node. */
  readonly node: string
  /** Stands for the guest's address, and does not tell it: see `sourceName`. */
  readonly source: string
}

/** A guest, as its own node knows it. */
interface Guest {
  /** The room it asked for, by its hash and its name. */
  readonly room: string
  readonly roomId: string
  /** The host that let it in, and until when it may come, unix milliseconds. */
  readonly welcome: { readonly host: string; readonly until: number } | undefined
}

/** What is kept with a connection. */
interface Visitor {
  readonly source: string
  /** Knocks left, and when that was so, unix milliseconds. */
  knocks: number
  at: number
}

/** 1000: a node's rooms have far fewer at their doors, and to look through them takes no time. */
const MOST_GUESTS = 1000

/** 5 knocks at once, then one a second: nobody taps faster for long. */
const KNOCKS_AT_ONCE = 5
const KNOCK_EVERY_MS = 1000

/** 1 minute to come in: a client does so at once. */
const WELCOME_MS = 60_000

export default definePlugin({
  name: "waiting-room",
  contract: 1,
  options: v.optional(
    v.strictObject({
      /** Guests at the doors of a node's rooms: past it the address with most of them loses its oldest, who may knock again. */
      guests: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), MOST_GUESTS),
    }),
    {},
  ),
  setup(server, options) {
    /** At the host's node: who waits, by peer id, oldest first. */
    const knocks = new Map<string, Knock>()
    /** At the guest's node: those who asked, by peer id. */
    const guests = new Map<string, Guest>()
    /** Known to this process alone, so that what other nodes hear of a guest is not its address. */
    const secret = randomBytes(32)

    /** The same for all guests of one address; it tells nobody which. */
    function sourceName(address: string): string {
      return createHmac("sha256", secret).update(sourceOf(address)).digest("base64url").slice(0, 16)
    }

    function mayKnock(visitor: Visitor): boolean {
      const now = Date.now()
      visitor.knocks = Math.min(KNOCKS_AT_ONCE, visitor.knocks + (now - visitor.at) / KNOCK_EVERY_MS)
      visitor.at = now
      if (visitor.knocks < 1) return false
      visitor.knocks--
      return true
    }

    /** The oldest knock of whoever has most of them. */
    function mostOfOneSource(): string | undefined {
      const counts = new Map<string, number>()
      for (const { source } of knocks.values()) counts.set(source, (counts.get(source) ?? 0) + 1)
      const [greediest] = [...counts].reduce((one, other) => (other[1] > one[1] ? other : one))
      for (const [peer, { source }] of knocks) if (source === greediest) return peer
      return undefined
    }

    function answer(connection: Connection, peer: string, isWelcome: boolean): Refusal | undefined {
      const { room } = connection
      if (room?.members[0]?.peer !== connection.peer) return refuse("not_the_host", "only the host lets people in")
      const knock = knocks.get(peer)
      if (knock?.room !== room.key) return refuse("nobody_waiting", "nobody of this id waits")
      knocks.delete(peer)
      server.tell(knock.node, room.key, { answer: { peer, host: connection.peer, isWelcome } } satisfies Told)
      return undefined
    }

    const guest = v.object({ peer_id: v.string() })
    return {
      connect: (_request, { address }): Visitor => ({
        source: sourceName(address),
        knocks: KNOCKS_AT_ONCE,
        at: Date.now(),
      }),

      async join({ connection, room, roomId, status }) {
        const { peer, data } = connection
        const known = guests.get(peer)
        const welcome = known?.room === room ? known.welcome : undefined
        if (welcome === undefined && !mayKnock(data)) return refuse("knocking_too_often", "wait a moment")
        const members = await server.members(room)
        const [host] = members
        const isMet = welcome !== undefined && members.some((member) => member.peer === welcome.host)
        if (host === undefined || (isMet && Date.now() < welcome.until)) {
          guests.delete(peer)
          return undefined
        }
        if (connection.isOpen) guests.set(peer, { room, roomId, welcome: undefined })
        const name = typeof status["name"] === "string" ? status["name"] : ""
        const knock = { peer, name, host: host.peer, source: data.source }
        server.tell(host.node, room, { knock } satisfies Told)
        return refuse("waiting_for_host", "the host is asked to let you in")
      },

      events: {
        let_in: onEvent(guest, ({ connection, fields }) => answer(connection, fields.peer_id, true)),
        turn_away: onEvent(guest, ({ connection, fields }) => answer(connection, fields.peer_id, false)),
      },

      told(message, room, from) {
        const told = message as Told
        if ("knock" in told) {
          const { peer, name, host, source } = told.knock
          knocks.delete(peer)
          knocks.set(peer, { room, node: from, source })
          if (knocks.size > options.guests) knocks.delete(mostOfOneSource() ?? peer)
          server.room(room)?.send(host, "knock", { peer_id: peer, name })
          return
        }
        const { peer, host, isWelcome } = told.answer
        const asked = guests.get(peer)
        if (asked?.room !== room) return
        if (isWelcome) guests.set(peer, { ...asked, welcome: { host, until: Date.now() + WELCOME_MS } })
        else guests.delete(peer)
        server.connection(peer)?.send(isWelcome ? "let_in" : "turned_away", { room_id: asked.roomId })
      },

      observe: {
        disconnected: (peer) => {
          guests.delete(peer)
        },
        left(_peer, room) {
          if (server.room(room) !== undefined) return
          for (const [peer, knock] of knocks) if (knock.room === room) knocks.delete(peer)
        },
      },
    }
  },
})
