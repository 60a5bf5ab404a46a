// Removes the members of nodes whose lease is over, room by room. Every surviving node tries; the script makes each
// room happen once, and different orders make several sweepers faster, not slower.

import type { NodeId, RoomKey } from "../rooms/ids.ts"
import type { RoomListener } from "../rooms/room-store.ts"
import type { ClusterCounters } from "./counters.ts"
import type { Lease } from "./lease.ts"
import { type Connection, ConnectionLost } from "./redis/connection.ts"
import type { Keys } from "./redis/keys.ts"
import { callOf, SWEEP_NODE } from "./redis/scripts.ts"

/** What a sweep works with. */
export interface SweepOptions {
  readonly connection: Connection
  readonly keys: Keys
  readonly lease: Lease
  readonly counters: ClusterCounters
  readonly listener: Pick<RoomListener, "onRoomClosed">
}

// 32 rooms at a time: a few ms of Redis's time between two looks whether the node has come back after all.
const ROOMS_AT_A_TIME = 32

/**
 * Sweeps a node's rooms and then removes its lease. `isSelf`: at the end of our own life, whatever our lease says.
 * @returns false when it came to no end: the node has come back, or Redis went away; then somebody will try again
 */
export async function sweepNode(node: NodeId, isSelf: boolean, options: SweepOptions): Promise<boolean> {
  const { connection, keys, lease, counters } = options
  try {
    const rooms = shuffle(await readRoomsOf(node, connection, keys))
    for (let at = 0; at < rooms.length; at += ROOMS_AT_A_TIME) {
      if (!isSelf && !(await lease.isOver(connection, node))) return false
      const some = rooms.slice(at, at + ROOMS_AT_A_TIME)
      await Promise.all(some.map((room) => sweepRoom(room, node, options)))
    }
    await lease.end(connection, node)
    if (!isSelf) counters.sweeps++
    return true
  } catch (error) {
    if (error instanceof ConnectionLost) return false
    throw error
  }
}

/** The rooms in which Redis knows members of `node`. */
export async function readRoomsOf(node: NodeId, connection: Connection, keys: Keys): Promise<RoomKey[]> {
  const reading = Array.from({ length: keys.partitions }, (_, partition) => {
    const key = keys.roomsOf(partition, node)
    return connection.send(key, ["SMEMBERS", key])
  })
  const replies = (await Promise.all(reading)) as Buffer[][]
  return replies.flat().map((room) => String(room) as RoomKey)
}

async function sweepRoom(room: RoomKey, node: NodeId, options: SweepOptions): Promise<void> {
  const { connection, keys, lease, counters, listener } = options
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
    { publish: connection.publishWord, channel: keys.channelPrefix(partition), room_key: room, node },
  )
  const [removed, closed, peak, openMs] = (await connection.run(call)) as [number, number, number, number]
  counters.sweptMembers += removed
  if (closed === 1) listener.onRoomClosed(room, peak, openMs)
}

function shuffle<Item>(items: Item[]): Item[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1))
    const item = items[at] as Item
    items[at] = items[other] as Item
    items[other] = item
  }
  return items
}
