// STUN and TURN servers as every dialect tells them, from one configuration. TURN credentials are made per peer from a
// secret shared with the TURN server: coturn's use-auth-secret, "A REST API For Access To TURN Services"
// (draft-uberti-behave-turn-rest-00).

import { createHmac } from "node:crypto"

/** What the servers are and how their credentials are made. */
export interface IceOptions {
  readonly urls: readonly string[]
  /** Empty: no TURN. */
  readonly turnSecret: string
  readonly turnTtlSeconds: number
}

/** One entry of an RTCConfiguration's iceServers. */
export interface IceServer {
  readonly urls: readonly string[]
  readonly username?: string
  readonly credential?: string
}

/** What one peer is told. */
export interface IceServers {
  /** One entry with all of them, or none. */
  readonly stun: readonly IceServer[]
  /** One entry with all of them, or none: also where there is no secret. */
  readonly turn: readonly IceServer[]
  /** For TURN servers the client knows of by itself; undefined without a secret. */
  readonly credentials: { readonly username: string; readonly credential: string } | undefined
}

/** The servers for one peer; credentials end `turnTtlSeconds` after `unixMs`. */
export function iceServersFor(
  { urls, turnSecret, turnTtlSeconds }: IceOptions,
  peer: string,
  unixMs: number,
): IceServers {
  const stunUrls = urls.filter((url) => url.startsWith("stun"))
  const turnUrls = urls.filter((url) => url.startsWith("turn"))
  const stun = stunUrls.length === 0 ? [] : [{ urls: stunUrls }]
  if (turnSecret === "") return { stun, turn: [], credentials: undefined }
  const credentials = makeCredentials(turnSecret, turnTtlSeconds, peer, unixMs)
  const turn = turnUrls.length === 0 ? [] : [{ urls: turnUrls, ...credentials }]
  return { stun, turn, credentials }
}

/** What a TURN server with this secret accepts from `peer` until `ttlSeconds` after `unixMs`. */
export function makeCredentials(secret: string, ttlSeconds: number, peer: string, unixMs: number) {
  const username = `${Math.floor(unixMs / 1000) + ttlSeconds}:${peer}`
  return { username, credential: createHmac("sha1", secret).update(username).digest("base64") }
}
