// One client that speaks webrtc.io: the rooms it is in, and whom it reaches there. The dialect has no word for an error:
// what cannot be served is counted and passed over, and who cannot be served now is parted from.

import type { PeerId } from "../../rooms/ids.ts"
import type { Membership } from "../../rooms/membership.ts"
import { enterRoom, NO_STATUS, ROOM_NAME_CHARACTERS } from "../entry.ts"
import { makeHolder } from "../holder.ts"
import { isObject, type JsonObject, readObject } from "../json.ts"
import { ManyRooms } from "../many-rooms.ts"
import { publish, type RefusalParts } from "../refusal.ts"
import { getPeers, RELAYS, receiveChatMsg, WEBRTC_IO_ENCODER } from "./server-events.ts"

/** 16 rooms of one connection: its own client is in one, and calls everybody in each. */
const ROOMS = 16

/** See the head of this file. */
export class WebrtcIoConversation extends ManyRooms<RefusalParts> {
  onMessage(text: string): void | Promise<void> {
    const message = readObject(text)
    if (message === undefined) return this.refuse("invalid_message")
    const { eventName, data } = message
    const { counters } = this.parts
    const isRelay = typeof eventName === "string" && Object.hasOwn(RELAYS, eventName)
    const isKnown = isRelay || eventName === "join_room" || eventName === "chat_msg"
    counters.countEvent(isKnown ? (eventName as string) : "other")
    if (!isKnown) return
    if (!isObject(data)) return this.refuse("invalid_message")
    if (isRelay) this.#relay(eventName, data)
    else return eventName === "join_room" ? this.#join(data) : this.#chat(data)
  }

  async #join(data: JsonObject): Promise<void> {
    const name = roomOf(data)
    if (name === undefined) return this.refuse("invalid_message")
    const before = this.memberships.get(name)
    if (before !== undefined) return this.#tellPeers(before)
    if (this.memberships.size >= ROOMS) return this.refuse("too_many_rooms")
    const { limits } = this.parts
    const outcome = await enterRoom(this.parts, {
      conversation: this,
      dialect: "webrtc-io",
      name,
      encoder: WEBRTC_IO_ENCODER,
      holder: makeHolder(this.connection, {
        onJoined: (membership) => {
          this.memberships.set(name, membership)
          this.#tellPeers(membership)
        },
        // Ids are the server's: nobody else comes under one of them.
        onTakenOver: () => {},
        onReplaced: () => void this.memberships.delete(name),
        onRelayFailed: (_ref, failure) => this.refuse(failure),
      }),
      status: NO_STATUS,
      limit: limits.roomSize,
      fields: data,
    })
    this.partAfter(outcome)
  }

  #tellPeers({ room }: Membership): void {
    this.connection.send(getPeers(this.peer, room.members.keys()))
  }

  /** To a member of a room that both are in; whose words they are, the server says. */
  #relay(eventName: string, data: JsonObject): void {
    const to = data["socketId"] as PeerId
    const shared = this.memberships.values().find(({ room }) => room.isMember(to))
    const text = toText(() => RELAYS[eventName]?.(data, this.peer))
    if (shared === undefined) this.refuse("unknown_peer")
    else if (!shared.maySend) this.refuse("unauthorized")
    else if (text === undefined) this.refuse("invalid_message")
    else this.parts.rooms.commands.relay(shared, to, text, undefined)
  }

  #chat(data: JsonObject): void | Promise<void> {
    const membership = this.memberships.get(roomOf(data) ?? "")
    if (membership === undefined) return this.refuse("not_in_room")
    if (!membership.maySend) return this.refuse("unauthorized")
    const text = toText(() => receiveChatMsg(data))
    return text === undefined ? this.refuse("invalid_message") : publish(this.parts, this, membership, text, "others")
  }
}

/** The room's name in a message, the empty one where there is none; undefined for what is no name. */
function roomOf({ room }: JsonObject): string | undefined {
  if (room === undefined || room === null) return ""
  return typeof room === "string" && room.length <= ROOM_NAME_CHARACTERS ? room : undefined
}

/** The text; undefined when what it is made of is nested too deeply to be written. */
function toText(make: () => string | undefined): string | undefined {
  try {
    return make()
  } catch (cause) {
    if (cause instanceof RangeError) return undefined
    throw cause
  }
}
