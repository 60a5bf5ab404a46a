// What the server itself says to rooms and peers, and what plug-ins say to their like at other nodes. Between nodes it
// travels as relays do, over the room's channel, so it keeps its place among the room's events. Apart from the hub,
// because none of it is needed to pass on what clients say.

import type { NodeId, PeerId, RoomKey } from "../rooms/ids.ts"
import type { Member, RoomStore } from "../rooms/room-store.ts"
import type { RoomView } from "./room-view.ts"
import type { Session } from "./session.ts"
import type { Topics } from "./socket.ts"

/** In place of a peer in a relay: every member of the room at that node. No peer id looks like it. */
export const EVERYONE = "*" as PeerId

/** Begins, in place of a peer in a relay, the name of a plug-in at that node. */
export const TO_PLUGIN = "+"

/** The `ref` of what no client asked for: when it does not arrive, there is nobody to tell. */
export const NOBODY_ASKED = "\u0000"

/** See the head of this file. */
export class Outbox {
  readonly #store: RoomStore
  readonly #topics: Topics
  readonly #sessions: ReadonlyMap<PeerId, Session>

  constructor(store: RoomStore, topics: Topics, sessions: ReadonlyMap<PeerId, Session>) {
    this.#store = store
    this.#topics = topics
    this.#sessions = sessions
  }

  /** Sends a frame to every member of a room with members here, on every node. */
  publish(room: RoomView, text: string): void {
    this.#topics.publish(room.topic, text)
    const nodes = this.nodesOf(room)
    const from = nodes.size === 0 ? undefined : this.#memberHere(room)
    if (from === undefined) return
    for (const node of nodes) this.#store.relay(node, { room: room.key, from, to: EVERYONE, text }, NOBODY_ASKED)
  }

  /** Sends a frame to one member, on whichever node. @returns whether it is a member */
  send(room: RoomView, to: PeerId, text: string): boolean {
    const target = this.#sessions.get(to)
    if (target?.room === room) {
      this.#topics.publish(target.topic, text)
      return true
    }
    const member = room.members.get(to)
    const from = this.#memberHere(room)
    if (member === undefined || member.node === this.#store.node || from === undefined) return false
    this.#store.relay(member.node, { room: room.key, from, to, text }, NOBODY_ASKED)
    return true
  }

  /** Reaches `hooks.told` at another node, which need not have members in the room whose channel carries it. */
  tell(node: NodeId, room: RoomKey, plugin: string, text: string): void {
    const from = this.#store.node as string as PeerId
    this.#store.relay(node, { room, from, to: `${TO_PLUGIN}${plugin}` as PeerId, text }, NOBODY_ASKED)
  }

  /** The other nodes with members in a room. */
  nodesOf(room: RoomView): Set<NodeId> {
    const nodes = new Set<NodeId>()
    for (const { node } of room.members.values()) if (node !== this.#store.node) nodes.add(node)
    return nodes
  }

  /** The members of any room, oldest first. */
  async membersOf(room: RoomKey): Promise<readonly Member[]> {
    return (await this.#store.snapshot(room)).members
  }

  /** A member in whose name a relay goes out: other nodes take relays of a room from its members only. */
  #memberHere(room: RoomView): PeerId | undefined {
    for (const { peer } of room.members.values()) if (this.#sessions.get(peer)?.room === room) return peer
    return undefined
  }
}
