// What operators ask of this node alone and tell it to do. Every change is in the log with who ordered it. Putting the
// answers of all nodes together is all-nodes.ts's business.

import * as v from "valibot"
import { CLOSE } from "../connections/close.ts"
import type { Connections } from "../connections/connections.ts"
import type { Dialect } from "../dialects/contract.ts"
import type { Conversation } from "../dialects/conversation.ts"
import type { Log } from "../log.ts"
import { type PeerId, type RoomKey, toLogName } from "../rooms/ids.ts"
import { timeOf } from "../rooms/numbers.ts"
import type { Room } from "../rooms/room.ts"
import type { Rooms } from "../rooms/rooms.ts"
import type { Timelines } from "../trace/timelines.ts"
import type { GoneRoom, MemberReport, NodeReport, RoomDetail, RoomReport, RoomsReport } from "./reports.ts"

/** 1,000 rooms, the largest: a page or a terminal shows no more, and an answer of them is some 200 KB. */
export const MOST_ROOMS = 1_000

/** 100 rooms that were left last: who looks for one knows when it was. */
export const MOST_GONE = 100

/** 5 rooms that begin with the same digits: enough to show that there are several. */
const MOST_ALIKE = 5

/** The least digits by which a room is asked for. The log shows 10. */
export const LEAST_DIGITS = 6

/** Digits of a room's hash, from the first on. */
export const ROOM_DIGITS = v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${LEAST_DIGITS},64}$`)))

/** The first digits of a node's id, or all of it. */
export const NODE_DIGITS = /^[0-9a-f-]{1,36}$/

/** 200 characters: the longest id any dialect lets a peer have is shorter. */
export const MOST_PEER_ID = 200

/** Of --log-level. */
export const LEVELS = ["debug", "info", "warn", "error", "silent"] as const

/** Who ordered it, for the log. */
const BY = v.pipe(v.string(), v.maxLength(200))

/** What can be asked and ordered. */
const QUESTION = v.variant("kind", [
  v.object({ kind: v.literal("node") }),
  v.object({ kind: v.literal("rooms") }),
  v.object({ kind: v.literal("room"), digits: ROOM_DIGITS }),
  v.object({ kind: v.literal("kick"), peer: v.pipe(v.string(), v.maxLength(MOST_PEER_ID)), by: BY }),
  v.object({ kind: v.literal("closeRoom"), room: ROOM_DIGITS, by: BY }),
  v.object({ kind: v.literal("drain"), isDraining: v.boolean(), by: BY }),
  v.object({ kind: v.literal("logLevel"), level: v.picklist(LEVELS), by: BY }),
])

/** See QUESTION. */
export type Question = v.InferOutput<typeof QUESTION>

/** What a node is asked with. */
export interface LocalParts {
  readonly connections: Connections
  readonly rooms: Rooms
  readonly dialects: readonly Pick<Dialect, "find" | "counters" | "resumptions">[]
  /** Undefined where none are kept. */
  readonly timelines: Timelines | undefined
  readonly log: Log
  readonly version: string
  readonly reasons: () => readonly string[]
  readonly drain: { isDraining: boolean }
  readonly level: { readonly now: string; change(to: string, fields: object): void }
}

/** Answers whatever `question` is, from whichever node it comes; throws with a reason where it cannot. */
export function makeLocalNode(parts: LocalParts): (question: unknown) => unknown {
  const startedAt = Date.now() - Math.round(process.uptime() * 1000)
  return (given) => {
    const { success, output: question } = v.safeParse(QUESTION, given)
    if (!success) throw new RangeError("this node's version does not know that question")
    switch (question.kind) {
      case "node":
        return reportNode(parts, startedAt)
      case "rooms":
        return reportRooms(parts)
      case "room":
        return keysLike(parts, question.digits).map((key) => detailOf(parts, key))
      case "kick":
        return kick(parts, question)
      case "closeRoom":
        return closeRoom(parts, question)
      case "drain": {
        parts.drain.isDraining = question.isDraining
        parts.log.info({ by: question.by }, question.isDraining ? "operator: drain" : "operator: undrain")
        return reportNode(parts, startedAt)
      }
      case "logLevel":
        parts.level.change(question.level, { by: question.by })
        return reportNode(parts, startedAt)
    }
  }
}

function reportNode(parts: LocalParts, startedAt: number): NodeReport {
  const { connections, rooms, dialects, timelines, version, reasons, drain, level } = parts
  const { counters, registry, node } = rooms
  const { user, system } = process.cpuUsage()
  let [members, held, errors] = [0, 0, 0]
  for (const { here } of registry.values()) members += here.size
  for (const { resumptions } of dialects) held += resumptions?.held ?? 0
  for (const dialect of dialects) for (const count of Object.values(dialect.counters.errors)) errors += count
  return {
    node,
    version,
    started_at: startedAt,
    reasons: reasons(),
    draining: drain.isDraining,
    log_level: level.now,
    connections: connections.open.size,
    rooms: registry.size,
    members,
    held,
    memory_bytes: process.memoryUsage.rss(),
    trace: timelines === undefined ? null : { entries: timelines.size, unseen: timelines.unseen },
    totals: {
      cpu_seconds: (user + system) / 1e6,
      connections: connections.counters.opened,
      joins: counters.joins,
      leaves: counters.leaves,
      relays: counters.relaysLocal + counters.relaysRemote,
      errors,
    },
  }
}

function reportRooms({ rooms: { registry }, timelines }: LocalParts): RoomsReport {
  const { total, largest } = largestOf(registry.values())
  const gone: GoneRoom[] = []
  for (const [room, last] of timelines?.latest() ?? []) {
    if (registry.get(room) === undefined && gone.push({ room, last }) === MOST_GONE) break
  }
  return { total, rooms: largest.map(reportRoom), gone }
}

/** The largest rooms with members here, and how many there are: 100,000 of them are looked through in a few ms, and not sorted. */
function largestOf(rooms: Iterable<Room>): { total: number; largest: Room[] } {
  const bySize = (one: Room, other: Room): number => other.members.size - one.members.size
  let [total, least] = [0, 0]
  let largest: Room[] = []
  for (const room of rooms) {
    if (room.here.size === 0) continue
    total++
    if (room.members.size <= least || largest.push(room) < 2 * MOST_ROOMS) continue
    largest = largest.sort(bySize).slice(0, MOST_ROOMS)
    least = largest.at(-1)?.members.size ?? 0
  }
  return { total, largest: largest.sort(bySize).slice(0, MOST_ROOMS) }
}

function reportRoom({ key, members }: Room): RoomReport {
  let since = Number.POSITIVE_INFINITY
  const nodes = new Set<string>()
  for (const { node, generation, born } of members.values()) {
    since = Math.min(since, timeOf(born ?? generation))
    nodes.add(node)
  }
  return { room: key, members: members.size, nodes: [...nodes], since }
}

/** The rooms that begin with these digits, those without members in the last hour, too. */
function keysLike({ rooms: { registry }, timelines }: LocalParts, digits: string): RoomKey[] {
  const key = digits as RoomKey
  if (registry.get(key) !== undefined || timelines?.of(key) !== undefined) return [key]
  const found = new Set<RoomKey>()
  for (const { key } of registry.values()) if (key.startsWith(digits) && found.add(key).size === MOST_ALIKE) break
  for (const [key] of timelines?.latest() ?? []) {
    if (found.size === MOST_ALIKE) break
    if (key.startsWith(digits)) found.add(key)
  }
  return [...found]
}

function detailOf({ rooms: { registry }, timelines }: LocalParts, key: RoomKey): RoomDetail {
  const room = registry.get(key)
  const members = [...(room?.members.values() ?? [])].map(
    ({ peer, node, generation, born }): MemberReport => ({
      peer,
      node,
      since: timeOf(born ?? generation),
      held: room?.here.get(peer)?.holder.isHeld === true,
    }),
  )
  const { timeline, dropped } = timelines?.of(key) ?? { timeline: [], dropped: 0 }
  return { room: key, members, timeline, dropped }
}

function kick(parts: LocalParts, { peer, by }: { peer: string; by: string }): boolean {
  const conversation = conversationOf(parts, peer)
  if (conversation === undefined) return false
  const room = conversation.membership?.room.key
  parts.log.info({ by, peer, room: room && toLogName(room) }, "operator: kick")
  remove(parts, conversation)
  return true
}

function closeRoom(parts: LocalParts, { room: key, by }: { room: string; by: string }): number {
  const room = parts.rooms.registry.get(key as RoomKey)
  const members = [...(room?.here.values() ?? [])]
  if (room === undefined || members.length === 0) return 0
  parts.log.info({ by, room: toLogName(room.key), members: members.length }, "operator: close-room")
  for (const membership of members) {
    const conversation = conversationOf(parts, membership.peer)
    if (conversation !== undefined) remove(parts, conversation)
    else void parts.rooms.commands.leave(membership)
  }
  return members.length
}

/** Whom the members of its room know by this id, at this node; its client may be away. */
function conversationOf({ connections, dialects }: LocalParts, peer: string): Conversation | undefined {
  for (const { find } of dialects) {
    const found = find?.(peer as PeerId)
    if (found !== undefined) return found
  }
  const conversation = connections.open.get(peer)?.receiver as Conversation | undefined
  if (conversation?.peer === peer) return conversation
  // PeerJS: whoever has taken an id over is known by the id of the connection before.
  for (const { receiver } of connections.open.values()) {
    if ((receiver as Conversation).peer === peer) return receiver as Conversation
  }
  return undefined
}

/** Its client is told by a close code that it shall stay away; one that is away cannot come back as itself. */
function remove({ log }: LocalParts, conversation: Conversation): void {
  if (!conversation.connection.isClosed) conversation.connection.close(CLOSE.removed)
  else conversation.leave?.()?.catch((cause: unknown) => log.error({ err: cause }, "bug: a leave failed"))
}
