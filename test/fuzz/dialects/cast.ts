// What the simulation asks of the clients of one dialect, and what it finds of them in Redis.

import { readPackedMember } from "../../../src/cluster/node-message.ts"
import type { RoomKey } from "../../../src/rooms/ids.ts"
import type { Member } from "../../../src/rooms/room-store.ts"
import { toBytes } from "../redis/lua.ts"
import type { SimulatedRedis } from "../redis/server.ts"
import { KEYS, type SimulatedNode } from "../simulated-node.ts"

/** The clients of one dialect. */
export interface Cast {
  /** Somebody does something. */
  act(): void
  /** Something happens in every room: only the next event of a room shows that the last one was lost. */
  nudge(): void
  /** All is quiet: everybody says something that must arrive. */
  probe(): void
  /** What is not as it must be, a while after the probes: one line each. */
  findUntruths(): string[]
  /** Forgets what is settled. */
  begin(): void
  /** Everybody goes. */
  goAll(): void
  /** Rooms that a node keeps for these clients. */
  roomsAt(node: SimulatedNode): number
}

/** The members of a room in Redis. */
export function membersIn({ data }: SimulatedRedis, room: RoomKey): Member[] {
  const packed = data.hash(KEYS.room(KEYS.partitionOf(room), room))
  return [...packed].map(([peer, bytes]) => readPackedMember(peer, toBytes(bytes)).member)
}

/** Whether two lists have the same entries, in whatever order. */
export function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort())
}
