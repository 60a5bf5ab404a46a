// STUN and TURN servers told to every newcomer in `joined_room`. TURN credentials are made per peer from a secret
// shared with the TURN server: coturn's use-auth-secret, "A REST API For Access To TURN Services"
// (draft-uberti-behave-turn-rest-00).

import { createHmac } from "node:crypto"
import type { Fields } from "./contract.ts"
import { CONTRACT, definePlugin } from "./define.ts"

/** What the servers are and how their credentials are made. */
export interface IceOptions {
  readonly urls: readonly string[]
  /** Empty: no TURN. */
  readonly turnSecret: string
  readonly turnTtlSeconds: number
}

/** The plug-in for these servers. */
export function icePlugin(options: IceOptions, now: () => number = Date.now) {
  return definePlugin({
    name: "ice",
    contract: CONTRACT,
    setup: () => {
      const fieldsFor = makeIceFields(options, now)
      return fieldsFor === undefined ? {} : { decorate: ({ peer }) => fieldsFor(peer) }
    },
  })
}

/** What a TURN server with this secret accepts from `peer` for so many seconds. */
export function makeCredentials(secret: string, ttlSeconds: number, peer: string, now = Date.now()) {
  const username = `${Math.floor(now / 1000) + ttlSeconds}:${peer}`
  return { username, credential: createHmac("sha1", secret).update(username).digest("base64") }
}

/** The maker of the ICE fields of `joined_room` and of a member's `info`; undefined when there is nothing to tell. */
export function makeIceFields(
  { urls, turnSecret, turnTtlSeconds }: IceOptions,
  now: () => number = Date.now,
): ((peer: string) => Fields) | undefined {
  const stun = urls.filter((url) => url.startsWith("stun"))
  const turn = urls.filter((url) => url.startsWith("turn"))
  if (urls.length === 0 && turnSecret === "") return undefined
  const stunServers = stun.length === 0 ? [] : [{ urls: stun }]
  if (turnSecret === "") {
    const fields = { ice_servers: stunServers }
    return () => fields
  }
  return (peer) => {
    const { username, credential } = makeCredentials(turnSecret, turnTtlSeconds, peer, now())
    const credentials = { turn_user: username, turn_password: credential }
    if (urls.length === 0) return credentials
    const turnServers = turn.length === 0 ? [] : [{ urls: turn, username, credential }]
    return { ...credentials, ice_servers: [...stunServers, ...turnServers] }
  }
}
