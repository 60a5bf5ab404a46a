// Every key and channel name in Redis, and nothing else. A room belongs to a partition; all names of a partition carry
// its hash tag `{p}`, so one script touches one slot, in a cluster too. Rooms are named by their key, never by their id.

import type { NodeId, PeerId, RoomKey } from "../../rooms/ids.ts"

/** The names of one deployment. */
export interface Keys {
  /** Partitions of the deployment; every node must have the same number. */
  readonly partitions: number
  /** zset: node → end of its lease, Redis's clock, ms. */
  readonly leases: string
  /** hash: partitions, and birth (random): written by the first node. */
  readonly deployment: string
  /** Which partition a room belongs to. */
  partitionOf(room: RoomKey): number
  /** hash: peer → packed member. */
  room(partition: number, room: RoomKey): string
  /** hash: epoch, seq, peak, opened_ms; locked and locked_rev, once it was. */
  meta(partition: number, room: RoomKey): string
  /** hash: node → how many members it has in the room. */
  nodes(partition: number, room: RoomKey): string
  /** set: the rooms of a partition in which a node has members, for its sweep. */
  roomsOf(partition: number, node: NodeId): string
  /** What stands before a node's id in the name of its rooms-of. */
  roomsOfPrefix(partition: number): string
  /** string with expiry: what proved a membership of this peer that another of its identity has replaced. */
  replaced(partition: number, room: RoomKey, peer: PeerId): string
  /** What stands between the name of a room and a peer in that name. */
  readonly replacedInfix: string
  /** What stands before the peer in that name. */
  replacedPrefix(partition: number, room: RoomKey): string
  /** What stands before a node's id in the name of its channel. */
  channelPrefix(partition: number): string
  /** hash: most members a room had → rooms, of those closed in the hour that starts at `hour` (unix seconds). */
  roomPeaks(partition: number, hour: number): string
  /** hash: whole minutes as a member → members, of those who left in the hour that starts at `hour` (unix seconds). */
  connectionTime(partition: number, hour: number): string
  /** hash: `last` → the last hour claimed for export; hour claimed and not yet written → sink and line. */
  readonly exports: string
  /** string with expiry: the node that exports just now. */
  readonly exportLock: string
}

/** The prefix of a deployment that was given none. */
export const DEFAULT_PREFIX = "palava"

// 128: each of 3 to 16 masters gets an even share, and subscribing to all of them takes 0.1 s.
const CLUSTER_PARTITIONS = 128

// 8 hex digits of the SHA-256 that a room key is: 32 bits, the most that `%` takes without a detour.
const HASH_DIGITS = 8

/**
 * Names under `prefix`. The hourly statistics are named as palava-machine's exporters read them,
 * `store:stats:room_peaks:<hour>`: without a prefix, unless one other than the default is configured; in a cluster
 * with the partition's hash tag at the end.
 */
export function makeKeys(prefix: string, isCluster: boolean, partitions = isCluster ? CLUSTER_PARTITIONS : 1): Keys {
  const stats = prefix === DEFAULT_PREFIX ? "store:stats" : `${prefix}:store:stats`
  const root = isCluster ? `{${prefix}}` : prefix
  const tag = (partition: number) => (isCluster ? `:{${partition}}` : "")
  const nameOf = (partition: number, room: RoomKey) => `${prefix}:{${partition}}:room:${room}`
  const replacedInfix = ":replaced:"
  const replacedPrefix = (partition: number, room: RoomKey) => `${nameOf(partition, room)}${replacedInfix}`
  return {
    partitions,
    leases: `${root}:nodes`,
    deployment: `${root}:deployment`,
    partitionOf: (room) => (partitions === 1 ? 0 : Number.parseInt(room.slice(0, HASH_DIGITS), 16) % partitions),
    room: nameOf,
    meta: (partition, room) => `${nameOf(partition, room)}:meta`,
    nodes: (partition, room) => `${nameOf(partition, room)}:nodes`,
    roomsOf: (partition, node) => `${prefix}:{${partition}}:rooms-of:${node}`,
    roomsOfPrefix: (partition) => `${prefix}:{${partition}}:rooms-of:`,
    replaced: (partition, room, peer) => `${replacedPrefix(partition, room)}${peer}`,
    replacedInfix,
    replacedPrefix,
    channelPrefix: (partition) => `${prefix}:{${partition}}:node:`,
    exports: `${root}:exports`,
    exportLock: `${root}:exports:lock`,
    roomPeaks: (partition, hour) => `${stats}:room_peaks:${hour}${tag(partition)}`,
    connectionTime: (partition, hour) => `${stats}:connection_time:${hour}${tag(partition)}`,
  }
}
