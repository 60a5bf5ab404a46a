// Removes the members of nodes whose lease is over, room by room. Every surviving node tries; the script makes each
// room happen once, and different orders make several sweepers faster, not slower.

import type { NodeId, PeerId, RoomKey } from "../rooms/ids.ts"
import type { RoomListener } from "../rooms/room-store.ts"
import { type Link, LinkLost, type Reply } from "./backend.ts"
import type { ClusterCounters } from "./counters.ts"
import type { Lease } from "./lease.ts"
import type { Keys } from "./redis/keys.ts"
import { callOf, SWEEP_NODE } from "./redis/scripts.ts"

/** What a sweep works with. */
export interface SweepOptions {
  readonly link: Link
  readonly keys: Keys
  readonly lease: Lease
  readonly counters: ClusterCounters
  /** Whether something may still arrive that this sweep would miss: the lease ends by itself, and another sweeps. */
  readonly isLeaseKept: boolean
  /** At least 0, below 1. */
  readonly random: () => number
  readonly listener: Pick<RoomListener, "onRoomClosed" | "onSwept">
}

// 32 rooms at a time: a few ms of Redis's time between two looks whether the node has come back after all.
const ROOMS_AT_A_TIME = 32

/**
 * Sweeps a node's rooms and then removes its lease, unless it is to be kept. `isSelf`: at the end of our own life, whatever
 * our lease says.
 * @returns false when it came to no end: the node has come back, or Redis went away; then somebody will try again
 */
export async function sweepNode(node: NodeId, isSelf: boolean, options: SweepOptions): Promise<boolean> {
  const { link, keys, lease, counters } = options
  try {
    const rooms = shuffle(await readRoomsOf(node, link, keys), options.random)
    for (let at = 0; at < rooms.length; at += ROOMS_AT_A_TIME) {
      if (!isSelf && !(await lease.isOver(link, node))) return false
      const some = rooms.slice(at, at + ROOMS_AT_A_TIME)
      await Promise.all(some.map((room) => sweepRoom(room, node, options)))
    }
    if (!options.isLeaseKept) await lease.end(link, node)
    if (!isSelf) counters.sweeps++
    return true
  } catch (error) {
    if (error instanceof LinkLost) return false
    throw error
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

async function sweepRoom(room: RoomKey, node: NodeId, options: SweepOptions): Promise<void> {
  const { link, keys, lease, counters, listener } = options
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
  const [swept, closed, peak, openMs] = (await link.run(call)) as [Reply[], number, number, number]
  counters.sweptMembers += swept.length / 2
  for (let at = 0; at < swept.length; at += 2) {
    listener.onSwept(room, String(swept[at]) as PeerId, Number(swept[at + 1]))
  }
  if (closed === 1) listener.onRoomClosed(room, peak, openMs)
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
