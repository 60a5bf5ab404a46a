// The token with which a client takes its membership over: which node has it, in which room, as which peer, a secret, and
// what there is to say of the member, should another node have to know. The server keeps a hash of the secret and of what
// is said, so that a client can change nothing of it. A token is made once, works once, and is in no log.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import * as v from "valibot"
import type { Grant } from "../../rooms/grant.ts"
import type { NodeId, PeerId, RoomKey } from "../../rooms/ids.ts"
import { GRANT } from "../grant.ts"
import { readObject } from "../json.ts"

/** 32 bytes: nobody guesses them. */
const SECRET_BYTES = 32

/**
 * Node and peer are UUIDs, a room is 64 hex digits, and 32 bytes are 43 characters of base64url. 16,384 more for a grant: an
 * access token of 8 KiB says no more.
 */
const TOKEN = /^([0-9a-f-]{36})\.([0-9a-f]{64})\.([0-9a-f-]{36})\.([\w-]{43}(?:\.([\w-]{1,16384}))?)$/

/** Whose membership a token is for. */
export interface TokenFor {
  readonly node: NodeId
  readonly room: RoomKey
  readonly peer: PeerId
  readonly grant?: Grant | undefined
}

/** A token that a client has given, which may be true or not. */
export interface ReadToken extends TokenFor {
  /** Of its secret, and of the grant, which is worth as much as this. */
  readonly hash: Buffer
}

/** A new token, and what is kept of it. */
export function makeToken({ node, room, peer, grant }: TokenFor): { readonly token: string; readonly hash: Buffer } {
  const more = grant === undefined ? "" : `.${Buffer.from(JSON.stringify(grant)).toString("base64url")}`
  const secret = randomBytes(SECRET_BYTES).toString("base64url") + more
  return { token: `${node}.${room}.${peer}.${secret}`, hash: hashOf(secret) }
}

/** What a token says; undefined when it is none. */
export function readToken(token: unknown): ReadToken | undefined {
  const parts = typeof token === "string" ? TOKEN.exec(token) : null
  if (parts === null) return undefined
  const [, node, room, peer, secret = "", packed] = parts
  const grant = packed === undefined ? undefined : readGrant(Buffer.from(packed, "base64url").toString())
  if (grant === undefined && packed !== undefined) return undefined
  return { node: node as NodeId, room: room as RoomKey, peer: peer as PeerId, hash: hashOf(secret), grant }
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

/** A grant as somebody gave it: who changed it is found out later, by its hash, but what is no grant is not one. */
function readGrant(text: string): Grant | undefined {
  const result = v.safeParse(GRANT, readObject(text))
  return result.success ? result.output : undefined
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest()
}
