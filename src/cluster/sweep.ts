// Removes the members of nodes whose lease is over, room by room. Every surviving node tries; the script makes each
// room happen once, and different orders make several sweepers faster, not slower.

import type { Clock } from "../clock.ts"
import type { NodeId, PeerId, RoomKey } from "../rooms/ids.ts"
import type { RoomListener } from "../rooms/room-store.ts"
import { type Link, LinkLost, type Reply } from "./backend.ts"
import type { ClusterCounters } from "./counters.ts"
import type { Lease } from "./lease.ts"
import { type ClusterLog, toText } from "./log.ts"
import type { Keys } from "./redis/keys.ts"
import { callOf, SWEEP_NODE } from "./redis/scripts.ts"
import { tellIfClosed } from "./room-calls.ts"
import type { Uplink } from "./uplink.ts"

// 32 rooms at a time: a few ms of Redis's time between two looks whether the node has come back after all.
const ROOMS_AT_A_TIME = 32

// 0.02 of a lease, at random: the sweepers of a dead node do not all begin in the same moment.
const JITTER_PART = 0.02

/** What they are made with. */
export interface SweepsOptions {
  readonly node: NodeId
  readonly keys: Keys
  readonly lease: Lease
  readonly leaseMs: number
  readonly uplink: Pick<Uplink, "link" | "sinceLostMs">
  readonly clock: Clock
  /** At least 0, below 1. */
  readonly random: () => number
  readonly counters: ClusterCounters
  readonly log: ClusterLog
  /** Undefined before the start and behind the end. */
  readonly listener: () => RoomListener | undefined
}

/** See the head of this file. */
export class Sweeps {
  readonly #options: SweepsOptions
  readonly #sweeping = new Set<NodeId>()

  constructor(options: SweepsOptions) {
    this.#options = options
  }

  /** Sweeps a node whose lease is over, unless that is under way. */
  sweepSoon(node: NodeId): void {
    const { clock, random, leaseMs, log } = this.#options
    if (this.#sweeping.has(node)) return
    this.#sweeping.add(node)
    clock.after(random() * leaseMs * JITTER_PART, () => {
      this.#sweep(node)
        .catch((error: unknown) => log.warn("bug: a sweep failed", { error: toText(error) }))
        .finally(() => this.#sweeping.delete(node))
    })
  }

  /** Takes the members of this node out at its end, whatever its lease says. */
  sweepOwn(): Promise<void> {
    return this.#sweep(this.#options.node)
  }

  /**
   * Sweeps a node's rooms and then removes its lease, unless it is to be kept. It comes to no end when the node has come back,
   * or Redis went away; then somebody will try again.
   */
  async #sweep(node: NodeId): Promise<void> {
    const { keys, lease, leaseMs, uplink, random, counters } = this.#options
    const { link } = uplink
    if (link === undefined) return
    const isSelf = node === this.#options.node
    // A command of a link that was lost may still arrive as long as the lease lasts that it was sent under.
    const isLeaseKept = isSelf && uplink.sinceLostMs <= leaseMs
    try {
      const rooms = shuffle(await readRoomsOf(node, link, keys), random)
      for (let at = 0; at < rooms.length; at += ROOMS_AT_A_TIME) {
        if (!isSelf && !(await lease.isOver(link, node))) return
        const some = rooms.slice(at, at + ROOMS_AT_A_TIME)
        await Promise.all(some.map((room) => this.#sweepRoom(room, node, link)))
      }
      if (!isLeaseKept) await lease.end(link, node)
      if (!isSelf) counters.sweeps++
    } catch (error) {
      if (!(error instanceof LinkLost)) throw error
    }
  }

  async #sweepRoom(room: RoomKey, node: NodeId, link: Link): Promise<void> {
    const { keys, lease, counters, listener } = this.#options
    const partition = keys.partitionOf(room)
    const { hour } = lease
    const call = callOf(
      SWEEP_NODE,
      {
        room: keys.room(partition, room),
        meta: keys.meta(partition, room),
        nodes: keys.nodes(partition, room),
        rooms_of: keys.roomsOf(partition, node),
        connection_time: keys.connectionTime(partition, hour),
        room_peaks: keys.roomPeaks(partition, hour),
      },
      { publish: link.publishWord, channel: keys.channelPrefix(partition), room_key: room, node },
    )
    const [swept, ...closing] = (await link.run(call)) as [Reply[], ...Reply[]]
    counters.sweptMembers += swept.length / 2
    for (let at = 0; at < swept.length; at += 2) {
      listener()?.onSwept(room, String(swept[at]) as PeerId, Number(swept[at + 1]))
    }
    tellIfClosed(listener(), room, closing)
  }
}

/** The rooms in which Redis knows members of `node`. */
export async function readRoomsOf(node: NodeId, link: Link, keys: Keys): Promise<RoomKey[]> {
  const reading = Array.from({ length: keys.partitions }, (_, partition) => {
    const key = keys.roomsOf(partition, node)
    return link.readSet(key)
  })
  const rooms = await Promise.all(reading)
  return rooms.flat() as RoomKey[]
}

function shuffle<Item>(items: Item[], random: () => number): Item[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const item = items[at] as Item
    items[at] = items[other] as Item
    items[other] = item
  }
  return items
}
