// Public keys of whoever makes the tokens (JWKS, RFC 7517), from a file or a URL: kept, and read again when they are old or
// when a token names a key that is not there, but never more often than they are worth. Keys that cannot be read again stay
// what they were.

import { readFile } from "node:fs/promises"
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose"
import type { Clock } from "../clock.ts"
import type { Log } from "../log.ts"

/** 256 KiB: hundreds of keys. */
const MOST_BYTES = 262_144

/** 5 s for an answer: a client waits for it. */
const FETCH_MS = 5_000

/** How long keys count as new, and how long none are asked for after they were, whatever came of it. */
interface Ages {
  readonly freshMs: number
  readonly quietMs: number
}

/** 10 min: a key that was taken back is not longer believed. 30 s: unknown keys in tokens cost others no more than this. */
const URL_AGES: Ages = { freshMs: 600_000, quietMs: 30_000 }

/** 10 s and 1 s: a file costs nothing to read. */
const FILE_AGES: Ages = { freshMs: 10_000, quietMs: 1_000 }

/** There are no keys, as they could not be read yet. */
export class NoKeys extends Error {
  override name = "NoKeys"
}

/** See the head of this file. */
export class KeySet {
  readonly #place: string
  readonly #ages: Ages
  readonly #clock: Clock
  readonly #log: Log
  #keys: JWTVerifyGetKey | undefined
  #readAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #hasFailed = false

  /** @param place a path or an http(s) URL */
  constructor(place: string, clock: Clock, log: Log) {
    this.#place = place
    this.#ages = isUrl(place) ? URL_AGES : FILE_AGES
    this.#clock = clock
    this.#log = log
  }

  /**
   * Finds the key for a token, as jose asks for it.
   * @throws NoKeys when none could be read so far
   * @throws errors.JWKSNoMatchingKey and others of jose when there is none for this token
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (this.#keys === undefined) await this.read()
    else if (this.#clock.monotonicMs() - this.#readAt > this.#ages.freshMs) void this.read()
    try {
      return await this.#known(header, token)
    } catch (cause) {
      const before = this.#keys
      if (!(cause instanceof errors.JWKSNoMatchingKey)) throw cause
      await this.read()
      if (this.#keys === before) throw cause
      return this.#known(header, token)
    }
  }

  /** Reads the keys now, unless that was just done. What goes wrong is logged, once until it works again. */
  async read(): Promise<void> {
    if (this.#reading === undefined) {
      const now = this.#clock.monotonicMs()
      if (now - this.#triedAt < this.#ages.quietMs) return
      this.#triedAt = now
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined
      })
    }
    await this.#reading
  }

  #known: JWTVerifyGetKey = (header, token) => {
    if (this.#keys === undefined) throw new NoKeys(`no keys from ${this.#place}`)
    return this.#keys(header, token)
  }

  async #read(): Promise<void> {
    try {
      this.#keys = parseKeys(await load(this.#place))
      this.#readAt = this.#clock.monotonicMs()
      if (this.#hasFailed) this.#log.info({ place: shown(this.#place) }, "the keys for tokens could be read again")
      this.#hasFailed = false
    } catch (cause) {
      if (this.#hasFailed) return
      this.#hasFailed = true
      // Not the error itself, which may name all of the URL.
      const reason = (cause as { code?: string }).code ?? (cause as Error).message
      const known = this.#keys !== undefined
      this.#log.warn({ place: shown(this.#place), reason, known }, "the keys for tokens cannot be read")
    }
  }
}

/**
 * The keys in a JWKS.
 * @throws TypeError when there are none of the kinds that sign RS256, ES256 or EdDSA; the message is for people
 */
export function parseKeys(text: string): JWTVerifyGetKey {
  let set: unknown
  try {
    set = JSON.parse(text)
  } catch {
    throw new TypeError("is not JSON")
  }
  const keys = (set as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys) || !keys.some((key) => ["RSA", "EC", "OKP"].includes(key?.kty)))
    throw new TypeError("is no JWKS (RFC 7517) with a public key in it")
  return createLocalJWKSet(set as JSONWebKeySet)
}

/** Whether keys are asked for by HTTP. */
export function isUrl(place: string): boolean {
  return /^https?:\/\//.test(place)
}

/** Where keys are, for logs: what else is in a URL may be a secret. */
function shown(place: string): string {
  return isUrl(place) ? new URL(place).origin : place
}

async function load(place: string): Promise<string> {
  if (!isUrl(place)) return readFile(place, "utf8")
  const response = await fetch(place, { redirect: "error", signal: AbortSignal.timeout(FETCH_MS) })
  if (!response.ok) throw new TypeError(`answered with status ${response.status}`)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > MOST_BYTES) throw new TypeError(`answered with more than ${MOST_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
