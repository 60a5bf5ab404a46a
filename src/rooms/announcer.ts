// What the server itself says to rooms and peers, and what plug-ins say to their like at other nodes. Between nodes it
// travels as relays do, over the room's channel, so it keeps its place among the room's events. Apart from the commands,
// because none of it is needed to pass on what clients say.

import type { NodeId, PeerId, RoomKey } from "./ids.ts"
import type { JoinedRoom } from "./membership.ts"
import { EVERYONE } from "./room.ts"
import type { Member, RoomStore } from "./room-store.ts"

/** Begins, in place of a peer in a relay, the name of a plug-in at that node. */
export const TO_PLUGIN = "+"

/** The `ref` of what no client asked for: when it does not arrive, there is nobody to tell. */
export const NOBODY_ASKED = "\u0000"

/** See the head of this file. */
export class Announcer {
  readonly #store: RoomStore

  constructor(store: RoomStore) {
    this.#store = store
  }

  /** Sends a frame to every member of a room with members here, on every node. */
  publish(room: JoinedRoom, text: string): void {
    room.publish(text)
    const nodes = this.nodesOf(room)
    const from = nodes.size === 0 ? undefined : memberHere(room)
    if (from === undefined) return
    for (const node of nodes) this.#store.relay(node, { room: room.key, from, to: EVERYONE, text }, NOBODY_ASKED)
  }

  /** Sends a frame to one member, on whichever node. @returns whether it is a member */
  send(room: JoinedRoom, to: PeerId, text: string): boolean {
    const target = room.here.get(to)
    if (target !== undefined) {
      room.sendTo(target, text)
      return true
    }
    const member = room.members.get(to)
    const from = memberHere(room)
    if (member === undefined || member.node === this.#store.node || from === undefined) return false
    this.#store.relay(member.node, { room: room.key, from, to, text }, NOBODY_ASKED)
    return true
  }

  /** Reaches the plug-in of that name at another node, which need not have members in the room whose channel carries it. */
  tell(node: NodeId, room: RoomKey, plugin: string, text: string): void {
    const from = this.#store.node as string as PeerId
    this.#store.relay(node, { room, from, to: `${TO_PLUGIN}${plugin}` as PeerId, text }, NOBODY_ASKED)
  }

  /** The other nodes with members in a room. */
  nodesOf(room: JoinedRoom): Set<NodeId> {
    const nodes = new Set<NodeId>()
    for (const { node } of room.members.values()) if (node !== this.#store.node) nodes.add(node)
    return nodes
  }

  /** The members of any room, oldest first. */
  async membersOf(room: RoomKey): Promise<readonly Member[]> {
    return (await this.#store.snapshot(room)).members
  }
}

/** A member in whose name a relay goes out: other nodes take relays of a room from its members only. */
function memberHere(room: JoinedRoom): PeerId | undefined {
  for (const { peer } of room.members.values()) if (room.here.has(peer)) return peer
  return undefined
}
