// What all PeerJS clients of a node share.

import type { Connection } from "../../connections/connection.ts"
import type { RoomKey } from "../../rooms/ids.ts"
import type { Membership } from "../../rooms/membership.ts"
import type { DialectParts } from "../contract.ts"
import type { DialectCounters } from "../counters.ts"
import type { Routes } from "./routes.ts"
import type { Sender } from "./waiting.ts"

/** See the head of this file. */
export interface PeerJsParts extends DialectParts {
  readonly counters: DialectCounters
  readonly peers: Peers
  readonly routes: Routes
  /** The last claim of each id that is being claimed at this node; as many as connections at most. */
  readonly claims: Map<RoomKey, Promise<void>>
  /** What clients must bring as `key`. */
  readonly key: string
  /** The room whose members are all peers, when their list is wanted. */
  readonly listRoom: RoomKey | undefined
  /** The room that a peer is. */
  readonly toRoom: (id: string) => RoomKey
}

/** A peer of this node. */
export interface Peer extends Sender {
  readonly connection: Connection
  /** While it has its id. */
  readonly membership: Membership | undefined
}

/** The peers of this node, from the moment they are told that they have their id. */
export class Peers {
  readonly #byId = new Map<string, Peer>()
  readonly #byRoom = new Map<RoomKey, Peer>()

  get(id: string): Peer | undefined {
    return this.#byId.get(id)
  }

  /** The peer whose room this is. */
  in(room: RoomKey): Peer | undefined {
    return this.#byRoom.get(room)
  }

  add(peer: Peer): void {
    if (peer.membership === undefined) return
    this.#byId.set(peer.id, peer)
    this.#byRoom.set(peer.membership.room.key, peer)
  }

  /** It is about to leave; another connection may have its id by now. */
  remove(peer: Peer): void {
    if (peer.membership === undefined || this.#byId.get(peer.id) !== peer) return
    this.#byId.delete(peer.id)
    this.#byRoom.delete(peer.membership.room.key)
  }
}
