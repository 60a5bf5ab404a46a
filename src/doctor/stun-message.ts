// STUN messages (RFC 8489) with the attributes of TURN (RFC 8656) that it takes to ask for an address and for a relay.

import { createHash, createHmac, randomBytes } from "node:crypto"

/** Message types: method and class (RFC 8489 section 5). */
export const TYPE = {
  bindingRequest: 0x0001,
  bindingSuccess: 0x0101,
  allocateRequest: 0x0003,
  allocateSuccess: 0x0103,
  refreshRequest: 0x0004,
} as const

/** Attributes (RFC 8489 section 18.3, RFC 8656 section 18). */
export const ATTRIBUTE = {
  username: 0x0006,
  integrity: 0x0008,
  error: 0x0009,
  lifetime: 0x000d,
  realm: 0x0014,
  nonce: 0x0015,
  relayedAddress: 0x0016,
  requestedTransport: 0x0019,
  mappedAddress: 0x0020,
} as const

/** Bytes before the attributes. */
export const HEADER_BYTES = 20

const MAGIC_COOKIE = 0x2112a442

/** Type and length of an attribute. */
const ATTRIBUTE_HEAD_BYTES = 4

/** Bytes of an HMAC-SHA1. */
const INTEGRITY_BYTES = 20

/** An attribute to send. */
export type Attribute = readonly [type: number, value: Uint8Array]

/** A message that came. */
export interface Message {
  readonly type: number
  /** Hex. */
  readonly transaction: string
  readonly attributes: ReadonlyMap<number, Buffer>
}

/** The key of a long-term credential (RFC 8489 section 9.2.2). */
export function keyOf(username: string, realm: string, password: string): Buffer {
  return createHash("md5").update(`${username}:${realm}:${password}`).digest()
}

/** A request with a transaction of its own; signed when a key is given. */
export function encode(
  type: number,
  attributes: readonly Attribute[],
  key?: Buffer,
): { bytes: Buffer; transaction: string } {
  const transaction = randomBytes(12)
  const body = Buffer.concat(attributes.map(encodeAttribute))
  const signed = key === undefined ? 0 : ATTRIBUTE_HEAD_BYTES + INTEGRITY_BYTES
  const head = Buffer.alloc(HEADER_BYTES)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(body.length + signed, 2)
  head.writeUInt32BE(MAGIC_COOKIE, 4)
  transaction.copy(head, 8)
  const bytes = Buffer.concat([head, body])
  const integrity = key === undefined ? undefined : createHmac("sha1", key).update(bytes).digest()
  return {
    bytes: integrity === undefined ? bytes : Buffer.concat([bytes, encodeAttribute([ATTRIBUTE.integrity, integrity])]),
    transaction: transaction.toString("hex"),
  }
}

/** Reads a message; undefined when it is none. */
export function decode(bytes: Buffer): Message | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(4) !== MAGIC_COOKIE) return undefined
  const end = HEADER_BYTES + bytes.readUInt16BE(2)
  if (end > bytes.length) return undefined
  const attributes = new Map<number, Buffer>()
  for (let at = HEADER_BYTES; at + ATTRIBUTE_HEAD_BYTES <= end; ) {
    const [type, length] = [bytes.readUInt16BE(at), bytes.readUInt16BE(at + 2)]
    const value = bytes.subarray(at + ATTRIBUTE_HEAD_BYTES, at + ATTRIBUTE_HEAD_BYTES + length)
    if (value.length < length) return undefined
    if (!attributes.has(type)) attributes.set(type, value)
    at += ATTRIBUTE_HEAD_BYTES + padded(length)
  }
  return { type: bytes.readUInt16BE(0), transaction: bytes.toString("hex", 8, HEADER_BYTES), attributes }
}

/** The address in an XOR-MAPPED-ADDRESS or XOR-RELAYED-ADDRESS (RFC 8489 section 14.2), `host:port`. */
export function addressIn(message: Message, type: number): string | undefined {
  const value = message.attributes.get(type)
  if (value === undefined || (value.length !== 8 && value.length !== 20)) return undefined
  const mask = Buffer.concat([Buffer.from([0x21, 0x12, 0xa4, 0x42]), Buffer.from(message.transaction, "hex")])
  const port = value.readUInt16BE(2) ^ (MAGIC_COOKIE >>> 16)
  const address = value.subarray(4).map((byte, at) => byte ^ (mask[at] ?? 0))
  if (address.length === 4) return `${address.join(".")}:${port}`
  const groups = Array.from({ length: 8 }, (_, at) =>
    Buffer.from(address)
      .readUInt16BE(at * 2)
      .toString(16),
  )
  return `[${groups.join(":")}]:${port}`
}

/** The code and reason of an error response (RFC 8489 section 14.8). */
export function errorIn(message: Message): { code: number; reason: string } | undefined {
  const value = message.attributes.get(ATTRIBUTE.error)
  if (value === undefined || value.length < 4) return undefined
  return { code: ((value[2] ?? 0) & 7) * 100 + (value[3] ?? 0), reason: value.toString("utf8", 4) }
}

function encodeAttribute([type, value]: Attribute): Buffer {
  const bytes = Buffer.alloc(ATTRIBUTE_HEAD_BYTES + padded(value.length))
  bytes.writeUInt16BE(type, 0)
  bytes.writeUInt16BE(value.length, 2)
  bytes.set(value, ATTRIBUTE_HEAD_BYTES)
  return bytes
}

/** Attributes begin at multiples of four bytes. */
function padded(length: number): number {
  return Math.ceil(length / 4) * 4
}
