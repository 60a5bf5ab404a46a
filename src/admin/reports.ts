// What operators are told, as it is in JSON: by the API (docs/admin.md), between nodes, to the commands and to the console.
// Times are unix milliseconds. A room is its hash: its name is known to nobody but those in it.

import type { TraceEntry } from "../trace/timelines.ts"

/** One node, as it describes itself. */
export interface NodeReport {
  readonly node: string
  readonly version: string
  readonly started_at: number
  /** Why it wants no new clients, worst first; none when it does. */
  readonly reasons: readonly string[]
  readonly draining: boolean
  readonly log_level: string
  readonly connections: number
  readonly rooms: number
  readonly members: number
  /** Of the members, those whose clients are away and may come back. */
  readonly held: number
  readonly memory_bytes: number
  /** Of the rooms' timelines; null where none are kept (--no-trace-rooms). */
  readonly trace: { readonly entries: number; readonly unseen: number } | null
  readonly totals: Totals
}

/** What a node has counted since its start. */
export interface Totals {
  readonly cpu_seconds: number
  readonly connections: number
  readonly joins: number
  readonly leaves: number
  readonly relays: number
  readonly errors: number
}

/** A room, as one of its nodes knows it. */
export interface RoomReport {
  readonly room: string
  /** On all nodes. */
  readonly members: number
  readonly nodes: readonly string[]
  /** When the oldest of its members joined. */
  readonly since: number
}

/** A room in which nobody is left, and when something happened in it last. */
export interface GoneRoom {
  readonly room: string
  readonly last: number
}

/** The largest rooms with members at a node, how many there are, and those without members that were left in the last hour. */
export interface RoomsReport {
  readonly total: number
  readonly rooms: readonly RoomReport[]
  readonly gone: readonly GoneRoom[]
}

/** One member of a room. */
export interface MemberReport {
  readonly peer: string
  readonly node: string
  readonly since: number
  /** Whether its client is away and may come back; known to its own node. */
  readonly held: boolean
}

/** A room with all that is known of it. */
export interface RoomDetail {
  readonly room: string
  /** Oldest first. */
  readonly members: readonly MemberReport[]
  /** What happened in the last hour, oldest first, and where. */
  readonly timeline: readonly (TraceEntry & { readonly node?: string })[]
  /** Entries dropped, as there were too many. */
  readonly dropped: number
}

/** What stands out in a room's timeline, for one who asks why there is no call. */
export interface Finding {
  readonly peers: readonly [string, string]
  readonly finding: "no_offer" | "no_answer" | "no_candidates" | "own_network_only" | "no_relay" | "complete"
  /** For people. */
  readonly text: string
}

/** A node that was asked and did not answer in time, or not with what it was asked for. */
export interface SilentNode {
  readonly node: string
  readonly reason: string
}

/** Goes with every answer that is put together from those of all nodes. */
export interface Coverage {
  readonly silent: readonly SilentNode[]
  /** Why other nodes could not even be asked. */
  readonly problem?: string
}

/** Answer to /api/nodes; `lease_ms`: until the others take the node for dead, unless it is heard of; null where there are no others. */
export interface NodesAnswer extends Coverage {
  readonly nodes: readonly (NodeReport & { readonly lease_ms: number | null })[]
}

/** Answer to /api/rooms: the largest ones. */
export interface RoomsAnswer extends Coverage {
  /** Of all rooms, or of those at the node that has the most where some are not listed. */
  readonly total: number
  readonly rooms: readonly RoomReport[]
  /** The latest first. */
  readonly gone: readonly GoneRoom[]
}

/** Answer to /api/room. */
export interface RoomAnswer extends Coverage, RoomDetail {
  readonly findings: readonly Finding[]
}

/** One worker of a server with several. */
export interface WorkerReport {
  /** 1 for the first. */
  readonly worker: number
  /** The rest is null while it is started again. */
  readonly pid: number | null
  readonly node: string | null
  readonly version: string | null
  /** Why it is not ready for clients, worst first; none when it is. */
  readonly reasons: readonly string[]
}

/** Answer to /api/workers and /api/restart-workers. */
export interface WorkersAnswer {
  readonly workers: readonly WorkerReport[]
  /** Whether they are being replaced one by one. */
  readonly restarting: boolean
  /** Why the last time did not come to its end. */
  readonly problem?: string
}

/** Answer to an order that is for all workers: the first one's report, and those of all. */
export interface OrderAnswer extends NodeReport {
  readonly workers?: readonly NodeReport[]
}

/** What any refusal is. */
export interface AdminError {
  readonly error: string
  readonly message: string
}
