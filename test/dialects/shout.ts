// A dialect of a dozen words, to prove the contract: a client is in several rooms at once, chooses its name in each, and
// what it publishes reaches all members byte for byte, in one order.
//
//   +room name     joins           ← +room name[,name...] all members; "full", "taken", "away"
//   -room          leaves
//   room text      publishes       ← room text, to all members, the sender included
//   *room name     the same, but takes the name over ← !room to who had it
//   @room name t   to one member   ← @room from t
//
// Others hear `>room name` of who joins and `<room name` of who leaves.

import type { Connection } from "../../src/connections/connection.ts"
import type { Dialect, DialectParts } from "../../src/dialects/contract.ts"
import type { Conversation } from "../../src/dialects/conversation.ts"
import { DialectCounters } from "../../src/dialects/counters.ts"
import { makeHolder } from "../../src/dialects/holder.ts"
import type { RoomCommands } from "../../src/rooms/commands.ts"
import type { RoomEncoder } from "../../src/rooms/encoder.ts"
import { type PeerId, toRoomKey } from "../../src/rooms/ids.ts"
import type { Holder, Membership } from "../../src/rooms/membership.ts"
import type { JoinWish } from "../../src/rooms/wishes.ts"

/** Most members of its rooms. */
export const SHOUT_ROOM_SIZE = 4

/** The dialect, on the rooms of a node. */
export function makeShout({ rooms, limits }: DialectParts): Dialect {
  return {
    name: "shout",
    counters: new DialectCounters(),
    maxFrameBytes: limits.maxFrameBytes,
    recognises: ({ pathname }) => pathname === "/shout",
    recognisesFirst: (text) => /^[+*@-]/.test(text),
    open: (connection) => new Shouting(connection, rooms.commands, limits.maxFrameBytes),
  }
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
  readonly #commands: RoomCommands
  readonly maxFrameBytes: number

  constructor(connection: Connection, commands: RoomCommands, maxFrameBytes: number) {
    this.connection = connection
    this.#commands = commands
    this.maxFrameBytes = maxFrameBytes
  }

  get peer(): PeerId {
    return this.membership?.peer ?? (this.connection.id as PeerId)
  }

  get membership(): Membership | undefined {
    const [first] = this.#memberships.values()
    return first
  }

  async onMessage(text: string): Promise<void> {
    const [, sign, room = "", rest = ""] = /^([+*@-]?)(\S+) ?(.*)$/s.exec(text) ?? []
    const membership = this.#memberships.get(room)
    if (sign === "+") await this.#join(room, rest as PeerId, "refuse")
    else if (sign === "*") await this.#join(room, rest as PeerId, "takeOver")
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

  async #join(room: string, name: PeerId, ifTaken: JoinWish["ifTaken"]): Promise<void> {
    const outcome = await this.#commands.join({
      room: toRoomKey(room, "shout"),
      encoder: encoderOf(room),
      peer: name,
      holder: this.#holderIn(room),
      status: "{}",
      limit: SHOUT_ROOM_SIZE,
      ifTaken,
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
    return makeHolder(connection, {
      onJoined(membership) {
        memberships.set(room, membership)
        connection.send(`+${room} ${[...membership.room.members.keys()].join(",")}`)
      },
      onReplaced: () => void memberships.delete(room),
      onTakenOver() {
        memberships.delete(room)
        connection.send(`!${room}`)
      },
      onRelayFailed: (ref, failure) => connection.send(`${failure} ${ref}`),
    })
  }
}
