// Ids and their only makers. An id is a branded string: a raw string from a client or from Redis cannot be
// passed where a PeerId is asked for, unless it went through one of these.

import { createHash, randomUUID } from "node:crypto"

declare const brand: unique symbol

/** A connection's public id: a random UUID v4, told only to members of the same room. */
export type PeerId = string & { readonly [brand]: "PeerId" }

/** A room as everything but the sender's own frame knows it: the SHA-256 of its id, 64 hex digits. */
export type RoomKey = string & { readonly [brand]: "RoomKey" }

/** One run of the server: a new one at each start, so a restarted node is never taken for its dead self. */
export type NodeId = string & { readonly [brand]: "NodeId" }

/** A new peer id, unguessable (122 random bits). */
export function makePeerId(): PeerId {
  return randomUUID() as PeerId
}

/** A new node id. */
export function makeNodeId(): NodeId {
  return randomUUID() as NodeId
}

/** 22 characters of base64url: 128 bits and a little. */
const MARK_CHARACTERS = 22

const NOT_UTF8 = Buffer.from([0xff])

/**
 * The key of the room a client calls `roomId`: Redis, logs and metrics see this, never the name.
 * @param dialect whose room it is, so that two dialects never share one; palava's is made of the name alone
 */
export function toRoomKey(roomId: string, dialect?: string): RoomKey {
  const hash = createHash("sha256")
  if (dialect !== undefined) hash.update(NOT_UTF8).update(`${dialect}\n`)
  // All lone surrogates are one character in UTF-8. 0xff is in no UTF-8, so no other room has this key.
  if (roomId.isWellFormed()) hash.update(roomId)
  else hash.update(NOT_UTF8).update(roomId, "utf16le")
  return hash.digest("hex") as RoomKey
}

/**
 * What stands for an identity among the members of a room: 128 bits of a hash, as an identity may be an address of a person.
 * In another room the same one has another.
 */
export function toMark(room: RoomKey, identity: string): string {
  return createHash("sha256").update(`${room}\n`).update(identity).digest("base64url").slice(0, MARK_CHARACTERS)
}

/** What a log line may show of a room: the first 10 hex digits of its key. */
export function toLogName(room: RoomKey): string {
  return room.slice(0, 10)
}
