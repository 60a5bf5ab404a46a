// The token with which a client takes its membership over: which node has it, in which room, as which peer, and a secret.
// The server keeps a hash of the secret alone. A token is made once, works once, and is in no log.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import type { NodeId, PeerId, RoomKey } from "../../rooms/ids.ts"

/** 32 bytes: nobody guesses them. */
const SECRET_BYTES = 32

/** Node and peer are UUIDs, a room is 64 hex digits, and 32 bytes are 43 characters of base64url. */
const TOKEN = /^([0-9a-f-]{36})\.([0-9a-f]{64})\.([0-9a-f-]{36})\.([\w-]{43})$/

/** Whose membership a token is for. */
export interface TokenFor {
  readonly node: NodeId
  readonly room: RoomKey
  readonly peer: PeerId
}

/** A token that a client has given, which may be true or not. */
export interface ReadToken extends TokenFor {
  /** Of its secret. */
  readonly hash: Buffer
}

/** A new token, and what is kept of it. */
export function makeToken({ node, room, peer }: TokenFor): { readonly token: string; readonly hash: Buffer } {
  const secret = randomBytes(SECRET_BYTES).toString("base64url")
  return { token: `${node}.${room}.${peer}.${secret}`, hash: hashOf(secret) }
}

/** What a token says; undefined when it is none. */
export function readToken(token: unknown): ReadToken | undefined {
  const parts = typeof token === "string" ? TOKEN.exec(token) : null
  if (parts === null) return undefined
  const [, node, room, peer, secret = ""] = parts
  return { node: node as NodeId, room: room as RoomKey, peer: peer as PeerId, hash: hashOf(secret) }
}

/** Whether two hashes are the same, in a time that does not tell how far. */
export function isSameHash(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

/** A hash as the store keeps it. */
export function toProof(hash: Buffer): string {
  return hash.toString("base64url")
}

/** The hash in a proof. */
export function fromProof(proof: string): Buffer {
  return Buffer.from(proof, "base64url")
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest()
}
