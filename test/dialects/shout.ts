// A dialect of a dozen words, to prove the contract: a client is in several rooms at once, chooses its name in each, and
// what it publishes reaches all members byte for byte, in one order.
//
//   +room name     joins           ← +room name[,name...] all members; "full", "taken", "away"
//   -room          leaves
//   room text      publishes       ← room text, to all members, the sender included
//   @room name t   to one member   ← @room from t
//
// Others hear `>room name` of who joins and `<room name` of who leaves.

import { createHash } from "node:crypto"
import type { Connection } from "../../src/connections/connection.ts"
import type { Conversation, Dialect } from "../../src/dialects/contract.ts"
import type { RoomEncoder } from "../../src/rooms/encoder.ts"
import type { PeerId, RoomKey } from "../../src/rooms/ids.ts"
import type { Holder, Membership } from "../../src/rooms/membership.ts"
import type { Rooms } from "../../src/rooms/rooms.ts"

/** Most members of its rooms. */
export const SHOUT_ROOM_SIZE = 4

/** The dialect, on the rooms of a node. */
export function makeShout({ commands }: Rooms): Dialect {
  return {
    name: "shout",
    encoder: encoderOf(""),
    recognises: ({ url }) => url.pathname === "/shout",
    recognisesFirst: (text) => /^[+@-]/.test(text),
    open: (connection) => new Shouting(connection, commands),
  }
}

/** The key of a room: of the dialect and the name, so that no palava room is the same. */
export function shoutRoomKey(room: string): RoomKey {
  return createHash("sha256").update(`shout\n${room}`).digest("hex") as RoomKey
}

function encoderOf(room: string): RoomEncoder {
  return {
    joined: ({ peer }) => `>${room} ${peer}`,
    left: (peer) => `<${room} ${peer}`,
    status: () => undefined,
  }
}

class Shouting implements Conversation {
  readonly connection: Connection
  readonly #memberships = new Map<string, Membership>()
  readonly #commands: Rooms["commands"]

  constructor(connection: Connection, commands: Rooms["commands"]) {
    this.connection = connection
    this.#commands = commands
  }

  get peer(): PeerId {
    return this.membership?.peer ?? (this.connection.id as PeerId)
  }

  get membership(): Membership | undefined {
    const [first] = this.#memberships.values()
    return first
  }

  async onMessage(text: string): Promise<void> {
    const [, sign, room = "", rest = ""] = /^([+@-]?)(\S+) ?(.*)$/s.exec(text) ?? []
    const membership = this.#memberships.get(room)
    if (sign === "+") await this.#join(room, rest as PeerId)
    else if (membership === undefined) this.connection.send("where?")
    else if (sign === "-") await this.#leave(room, membership)
    else if (sign === "") await this.#commands.publish(membership, text)
    else {
      const [to = "", ...words] = rest.split(" ")
      const isSent = this.#commands.relay(
        membership,
        to as PeerId,
        `@${room} ${membership.peer} ${words.join(" ")}`,
        room,
      )
      if (!isSent) this.connection.send("who?")
    }
  }

  onRefused(): void {
    this.connection.send("slower!")
  }

  onClose(): void {
    for (const [room, membership] of this.#memberships) void this.#leave(room, membership)
  }

  sendEvent(): void {}

  async #join(room: string, name: PeerId): Promise<void> {
    const outcome = await this.#commands.join({
      room: shoutRoomKey(room),
      encoder: encoderOf(room),
      peer: name,
      holder: this.#holderIn(room),
      status: "{}",
      limit: SHOUT_ROOM_SIZE,
      ifTaken: "refuse",
      ref: undefined,
    })
    if (outcome !== "joined") this.connection.send(outcome)
  }

  async #leave(room: string, membership: Membership): Promise<void> {
    this.#memberships.delete(room)
    await this.#commands.leave(membership)
  }

  /** A holder for each membership, as each is told of another room. */
  #holderIn(room: string): Holder {
    const { connection } = this
    const memberships = this.#memberships
    return {
      topic: connection.id,
      get isOpen() {
        return !connection.isClosed
      },
      subscribe: (topic) => connection.socket?.subscribe(topic),
      unsubscribe: (topic) => connection.socket?.unsubscribe(topic),
      onJoined(membership) {
        memberships.set(room, membership)
        connection.send(`+${room} ${[...membership.room.members.keys()].join(",")}`)
      },
      onPressure: () => connection.checkBacklog(),
      onRelayFailed: (ref, failure) => connection.send(`${failure} ${ref}`),
    }
  }
}
