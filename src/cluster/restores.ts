// Puts back into Redis what it may have lost: a room with the members of this node, and, behind every new link or lease,
// all of them. Other nodes that are met on the way get a lease, so that none of their members stays when they are dead.

import type { NodeId, RoomKey } from "../rooms/ids.ts"
import type { Lock, Member, OwnMember, RoomListener, RoomSnapshot } from "../rooms/room-store.ts"
import type { ClusterCounters } from "./counters.ts"
import { Epochs } from "./epochs.ts"
import type { Lease } from "./lease.ts"
import type { Keys } from "./redis/keys.ts"
import { type RoomCalls, readSnapshot, tellIfClosed } from "./room-calls.ts"
import { readRoomsOf } from "./sweep.ts"
import type { Uplink } from "./uplink.ts"

/** What they are made with. */
export interface RestoresOptions {
  readonly node: NodeId
  readonly keys: Keys
  readonly lease: Lease
  readonly uplink: Pick<Uplink, "run" | "link">
  readonly calls: RoomCalls
  readonly counters: ClusterCounters
  /** Undefined before the start and behind the end. */
  readonly listener: () => RoomListener | undefined
}

/** What one resync has done so far; nothing is kept beyond its end. */
interface Resync {
  readonly restored: Set<RoomKey>
  /** Nodes that were given a lease, if they had none. */
  readonly granted: Set<NodeId>
}

/** See the head of this file. */
export class Restores {
  readonly #options: RestoresOptions
  #resyncing: Resync | undefined

  constructor(options: RestoresOptions) {
    this.#options = options
  }

  /** See RoomStore. */
  async restore(
    room: RoomKey,
    own: readonly OwnMember[],
    others: readonly Member[],
    lock?: Lock,
  ): Promise<RoomSnapshot> {
    const { node: ownNode, uplink, calls, counters, listener } = this.#options
    counters.restores++
    this.#resyncing?.restored.add(room)
    const epochs = new Epochs()
    const strangers = others.filter(({ node }) => node !== ownNode)
    // Before: a lost room may be born again with them. Leases are in another slot than rooms, so not in the same script.
    await this.#grant(strangers)
    const reply = await uplink.run("leased", (terms) => calls.restore(room, own, strangers, lock, epochs.next(), terms))
    const snapshot = readSnapshot(reply.slice(1))
    if (epochs.has(snapshot.epoch)) listener()?.onRoomOpened(room)
    tellIfClosed(listener(), room, reply.slice(4))
    // Behind: older data may hold members of nodes that were swept since, on a master that does not keep the leases.
    if (this.#resyncing !== undefined) await this.#grant(snapshot.members)
    return snapshot
  }

  /** Has the rooms with members here restored, then clears those that only Redis believes to have some. */
  async resync(): Promise<void> {
    const { node, uplink, keys, listener } = this.#options
    const resync: Resync = { restored: new Set(), granted: new Set() }
    this.#resyncing = resync
    try {
      await listener()?.onResync()
      const { link } = uplink
      if (link === undefined) return
      const believed = await readRoomsOf(node, link, keys)
      for (const room of believed) if (!resync.restored.has(room)) await this.restore(room, [], [])
    } finally {
      this.#resyncing = undefined
    }
  }

  /** Gives a lease to the nodes of these members that have none: they renew it, or are swept when it is over. */
  async #grant(members: readonly Member[]): Promise<void> {
    const { node: own, uplink, lease } = this.#options
    const granted = this.#resyncing?.granted
    const nodes = new Set(members.map(({ node }) => node).filter((node) => node !== own && !granted?.has(node)))
    if (nodes.size === 0) return
    await uplink.run("leased", () => lease.grantCall([...nodes]))
    for (const node of nodes) granted?.add(node)
  }
}
