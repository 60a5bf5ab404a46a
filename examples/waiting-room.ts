// A waiting room: who is in a room longest is its host and lets the others in, one by one.
//
// A join is answered with the error `waiting_for_host`, and the host gets `knock` {peer_id, name}. It answers with
// {"event":"let_in","peer_id"} or {"event":"turn_away","peer_id"}; the one who waits gets `let_in` or `turned_away`
// {room_id}, and after `let_in` joins once more, which now works. Nobody waits inside a request, so a waiting client
// stays a healthy one, and it may knock again at any time, for instance when the host has changed.
//
// Host and guest may be at different nodes: the guest's node asks the store who the host is and tells the plug-in at
// the host's node; the answer goes back the same way.

import { type Connection, definePlugin, onEvent, type Refusal, refuse, v } from "palava-machine"

/** What the plug-in says to itself at other nodes. */
type Told =
  | { readonly knock: { readonly peer: string; readonly name: string; readonly host: string } }
  | { readonly answer: { readonly peer: string; readonly isWelcome: boolean } }

/** A guest at the door, as the host's node knows it. */
interface Knock {
  readonly room: string
  /** The guest's node. */
  readonly node: string
}

/** 1000 guests at the doors of a node's rooms: past it the oldest are forgotten and have to knock again. */
const MOST_KNOCKS = 1000

export default definePlugin({
  name: "waiting-room",
  contract: 1,
  setup(server) {
    /** At the host's node: who waits, by peer id, oldest first. */
    const knocks = new Map<string, Knock>()
    /** At the guest's node: the room each guest asked for, by its hash and name, and whether it may come in. */
    const guests = new Map<string, { room: string; roomId: string; isWelcome: boolean }>()

    function answer(connection: Connection, peer: string, isWelcome: boolean): Refusal | undefined {
      const { room } = connection
      if (room?.members[0]?.peer !== connection.peer) return refuse("not_the_host", "only the host lets people in")
      const knock = knocks.get(peer)
      if (knock?.room !== room.key) return refuse("nobody_waiting", "nobody of this id waits")
      knocks.delete(peer)
      server.tell(knock.node, room.key, { answer: { peer, isWelcome } } satisfies Told)
      return undefined
    }

    const guest = v.object({ peer_id: v.string() })
    return {
      async join({ connection, room, roomId, status }) {
        const { peer } = connection
        const known = guests.get(peer)
        if (known?.room === room && known.isWelcome) {
          guests.delete(peer)
          return undefined
        }
        const [host] = await server.members(room)
        if (host === undefined) return undefined
        if (connection.isOpen) guests.set(peer, { room, roomId, isWelcome: false })
        const name = typeof status["name"] === "string" ? status["name"] : ""
        server.tell(host.node, room, { knock: { peer, name, host: host.peer } } satisfies Told)
        return refuse("waiting_for_host", "the host is asked to let you in")
      },

      events: {
        let_in: onEvent(guest, ({ connection, fields }) => answer(connection, fields.peer_id, true)),
        turn_away: onEvent(guest, ({ connection, fields }) => answer(connection, fields.peer_id, false)),
      },

      told(message, room, from) {
        const told = message as Told
        if ("knock" in told) {
          const { peer, name, host } = told.knock
          knocks.delete(peer)
          knocks.set(peer, { room, node: from })
          for (const oldest of knocks.keys()) {
            if (knocks.size <= MOST_KNOCKS) break
            knocks.delete(oldest)
          }
          server.room(room)?.send(host, "knock", { peer_id: peer, name })
          return
        }
        const { peer, isWelcome } = told.answer
        const asked = guests.get(peer)
        if (asked?.room !== room) return
        if (isWelcome) asked.isWelcome = true
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
