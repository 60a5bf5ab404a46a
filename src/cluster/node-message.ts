// The bytes between nodes: one MessagePack array a message, [version, kind, ...]. Room events are packed by the Lua
// scripts, relays and heartbeats here. A version, kind or number once given is never used for anything else, so nodes
// of two releases can run side by side: what a node does not know it counts and drops. An event dropped so is a gap in the
// room's log, and the next one has the room repaired from a snapshot.
//
//   [1, 1, room, epoch, seq of the first event, [event, ...], ...]  room events, and those of other rooms behind them
//       [1, peer, node, generation, rev, status] joined; with a seventh, which means nothing, and an eighth, its mark
//       [2, peer, generation] left; with a third, 1, it was replaced   [3, peer, rev, status] status
//       [4, peer, text] frame; with a fourth, 1, for all but the peer, whose node alone looks at it; with a fifth, 1 or 0,
//          and its rev, it locks the room or unlocks it
//       [5, peer, node, generation, rev, status, born] moved; with an eighth, its mark
//   [1, 2, sender node, batch number, [length, ...], text]          relays: room, from, to, text of each, one after
//                                                                    the other in one text, and their lengths; a room,
//                                                                    from or to of length 0 is that of the relay before
//   [1, 3]                                                          heartbeat, to the own channel

import type { NodeId, PeerId, RoomKey } from "../rooms/ids.ts"
import type { Member, Relay, RoomEvent } from "../rooms/room-store.ts"
import { readPacked } from "./message-pack.ts"

/** The version of the messages this file writes and reads. */
const VERSION = 1
const KIND = { events: 1, relays: 2, heartbeat: 3 } as const
/** The last is the highest: what is above it another release knows. */
const EVENT = { joined: 1, left: 2, status: 3, frame: 4, moved: 5 } as const
/** In a frame, for all but its peer. */
const OTHERS = 1
/** In a leave: another member of the same identity is in its place. */
const REPLACED = 1
/** In a frame that tells of it: the room is locked; 0, it is not any more. */
const LOCKS = 1

/** Events of one room. */
export interface EventsOfRoom {
  readonly room: RoomKey
  readonly events: readonly RoomEvent[]
  /** Events of kinds that are not known here, between those and behind them. */
  readonly unknown: number
}

/** Events of some rooms, in order, or relays with their sender and the sender's number for the batch. */
export type NodeMessage =
  | { readonly kind: "events"; readonly rooms: readonly EventsOfRoom[] }
  | { readonly kind: "relays"; readonly sender: NodeId; readonly number: number; readonly relays: readonly Relay[] }

/** A heartbeat: the answer that a subscription lives. */
export const HEARTBEAT = Buffer.from([0x92, VERSION, KIND.heartbeat])

/** Whether `bytes` are a HEARTBEAT. */
export function isHeartbeat(bytes: Buffer): boolean {
  return bytes.length === HEARTBEAT.length && bytes[2] === KIND.heartbeat && bytes[1] === VERSION
}

/** Room, epoch, seq of the first event, events. */
const WORDS_PER_ROOM = 4

/** Bytes of a batch that are not its relays: array head, version, kind, node, number, two lengths. */
const BATCH_HEAD_BYTES = 3 + 2 + 9 + 5 + 5
/** A length as MessagePack uint32. */
const LENGTH_BYTES = 5
const LENGTHS_PER_RELAY = 4

/**
 * Packs relays. Written by hand, all texts as one string: one conversion to UTF-8 instead of four a relay. A batch of 20
 * costs an eighth of what the library takes for it, to read it a tenth.
 */
export function encodeRelays(sender: NodeId, number: number, relays: readonly Relay[]): Buffer {
  let text = ""
  let before: Relay | undefined
  for (const relay of relays) {
    if (relay.room !== before?.room) text += relay.room
    if (relay.from !== before?.from) text += relay.from
    if (relay.to !== before?.to) text += relay.to
    text += relay.text
    before = relay
  }
  const textBytes = Buffer.byteLength(text)
  const senderBytes = Buffer.byteLength(sender)
  const bytes = Buffer.allocUnsafe(
    BATCH_HEAD_BYTES + senderBytes + relays.length * LENGTHS_PER_RELAY * LENGTH_BYTES + textBytes,
  )
  let at = 0
  bytes[at++] = 0x96
  bytes[at++] = VERSION
  bytes[at++] = KIND.relays
  bytes[at++] = 0xd9
  bytes[at++] = senderBytes
  at += bytes.write(sender, at)
  // A uint64, of which 53 bits are used: 32 bits run out in 50 days at 1,000 batches a second, 53 in 285,000 years.
  at = writeUint32(bytes, at, 0xcf, Math.floor(number / 2 ** 32))
  at = bytes.writeUInt32BE(number % 2 ** 32, at)
  at = writeUint32(bytes, at, 0xdd, relays.length * LENGTHS_PER_RELAY)
  before = undefined
  for (const relay of relays) {
    at = writeUint32(bytes, at, 0xce, relay.room === before?.room ? 0 : relay.room.length)
    at = writeUint32(bytes, at, 0xce, relay.from === before?.from ? 0 : relay.from.length)
    at = writeUint32(bytes, at, 0xce, relay.to === before?.to ? 0 : relay.to.length)
    at = writeUint32(bytes, at, 0xce, relay.text.length)
    before = relay
  }
  at = writeUint32(bytes, at, 0xdb, textBytes)
  bytes.write(text, at)
  return bytes
}

/** Reads a message: undefined when it is broken, "unknown" when its version or kind is not known here. Never throws. */
export function decodeNodeMessage(bytes: Buffer): NodeMessage | "unknown" | undefined {
  try {
    const message = readPacked(bytes)
    if (!Array.isArray(message)) return undefined
    if (message[0] !== VERSION) return "unknown"
    switch (message[1]) {
      case KIND.events:
        return readEvents(message)
      case KIND.relays:
        return readRelays(message)
      default:
        return "unknown"
    }
  } catch {
    return undefined
  }
}

/** A member in a room's hash, as the scripts pack it: the reader of `node, generation, rev, joined_ms, order, status, born, proof, mark`. */
export function readPackedMember(peer: string, bytes: Buffer): { readonly member: Member; readonly order: number } {
  const packed = readPacked(bytes) as [
    NodeId,
    number,
    number,
    number,
    number,
    string,
    (number | false)?,
    unknown?,
    unknown?,
  ]
  const [node, generation, rev, , order, status, born, , mark] = packed
  const member = { peer: peer as PeerId, node, generation, rev, status, ...withMark(mark) }
  return { member: typeof born !== "number" ? member : { ...member, born }, order }
}

function readEvents(message: unknown[]): NodeMessage | undefined {
  const rooms: EventsOfRoom[] = []
  for (let at = 2; at < message.length; at += WORDS_PER_ROOM) {
    const ofRoom = readEventsOfRoom(message[at], message[at + 1], message[at + 2], message[at + 3])
    if (ofRoom === undefined) return undefined
    rooms.push(ofRoom)
  }
  return rooms.length === 0 ? undefined : { kind: "events", rooms }
}

function readEventsOfRoom(room: unknown, epoch: unknown, first: unknown, list: unknown): EventsOfRoom | undefined {
  if (typeof room !== "string" || typeof epoch !== "string" || !isCount(first) || !Array.isArray(list)) return undefined
  const events: RoomEvent[] = []
  let unknown = 0
  for (const entry of list) {
    const event = readEvent(entry, epoch, first + events.length + unknown)
    if (event === undefined) return undefined
    if (event === "unknown") unknown++
    else events.push(event)
  }
  return { room: room as RoomKey, events, unknown }
}

function readEvent(entry: unknown, epoch: string, seq: number): RoomEvent | "unknown" | undefined {
  if (!Array.isArray(entry) || !isCount(entry[0])) return undefined
  if (entry[0] > EVENT.moved) return "unknown"
  if (typeof entry[1] !== "string") return undefined
  const peer = entry[1] as PeerId
  switch (entry[0]) {
    case EVENT.joined:
    case EVENT.moved: {
      const [, , node, generation, rev, status, born, mark] = entry
      if (typeof node !== "string" || !isCount(generation) || !isCount(rev) || typeof status !== "string")
        return undefined
      const member = { peer, node: node as NodeId, generation, rev, status, ...withMark(mark) }
      if (entry[0] === EVENT.joined) return { epoch, seq, kind: "joined", member }
      return isCount(born) ? { epoch, seq, kind: "moved", member: { ...member, born } } : undefined
    }
    case EVENT.left: {
      const [, , generation, isReplaced] = entry
      if (!isCount(generation)) return undefined
      return { epoch, seq, kind: "left", peer, generation, ...(isReplaced === REPLACED ? { isReplaced: true } : {}) }
    }
    case EVENT.status: {
      const [, , rev, status] = entry
      if (!isCount(rev) || typeof status !== "string") return undefined
      return { epoch, seq, kind: "status", peer, rev, status }
    }
    case EVENT.frame: {
      const [, , text, to, lock, rev] = entry
      if (typeof text !== "string") return undefined
      const locks = isCount(lock) ? { lock: { isLocked: lock === LOCKS, rev: isCount(rev) ? rev : 0 } } : {}
      return { epoch, seq, kind: "frame", peer, text, to: to === OTHERS ? "others" : "all", ...locks }
    }
    default:
      return undefined
  }
}

function readRelays(message: unknown[]): NodeMessage | undefined {
  const [, , sender, number, lengths, text] = message
  if (typeof sender !== "string" || !isCount(number) || !Array.isArray(lengths) || typeof text !== "string") {
    return undefined
  }
  const relays: Relay[] = []
  let end = 0
  const next = (length: unknown): string => {
    if (!isCount(length)) throw new RangeError("length")
    const start = end
    end += length
    return text.slice(start, end)
  }
  let [room, from, to] = ["", "", ""]
  for (let at = 0; at < lengths.length; at += LENGTHS_PER_RELAY) {
    // The same string again, and not an equal one: it keeps its hash for those who look it up.
    if (lengths[at] !== 0) room = next(lengths[at])
    if (lengths[at + 1] !== 0) from = next(lengths[at + 1])
    if (lengths[at + 2] !== 0) to = next(lengths[at + 2])
    relays.push({ room: room as RoomKey, from: from as PeerId, to: to as PeerId, text: next(lengths[at + 3]) })
  }
  return end === text.length ? { kind: "relays", sender: sender as NodeId, number, relays } : undefined
}

function withMark(mark: unknown): Pick<Member, "mark"> {
  return typeof mark === "string" ? { mark } : {}
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function writeUint32(bytes: Buffer, at: number, head: number, value: number): number {
  bytes[at] = head
  return bytes.writeUInt32BE(value, at + 1)
}
