// The flags of `palava-machine token`. What a token may say is src/access/claims.ts's business.

import type { Values } from "./command-line.ts"

/** What the command token was asked for. */
export interface TokenFlags {
  readonly rooms: readonly string[]
  readonly ttlSeconds: number
  readonly sub: string | undefined
  readonly name: string | undefined
  readonly peers: number | undefined
  readonly can: readonly string[] | undefined
  /** A file with a private key. */
  readonly key: string | undefined
  readonly kid: string | undefined
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Reads them; what is wrong is added to `mistakes`, what is missing only if the command `isAsked`. */
export function readTokenFlags(values: Values, isAsked: boolean, mistakes: string[]): TokenFlags {
  const { room = [], ttl = "1h", sub, name, peers, can, key, kid } = values
  const [, number = "", unit = "s"] = /^(\d{1,9})([smhd])?$/.exec(String(ttl)) ?? []
  if (number === "") mistakes.push(`--ttl: must be a time such as 90s, 30m, 1h or 7d, but is "${ttl}"`)
  if (peers !== undefined && !/^[1-9]\d{0,5}$/.test(String(peers))) mistakes.push("--peers: must be a number of peers")
  if (isAsked && (room as string[]).length === 0)
    mistakes.push("--room: say for which room, or with * at the end for which rooms")
  return {
    rooms: room as string[],
    ttlSeconds: Number(number) * (UNIT_SECONDS[unit] ?? 1),
    sub: sub as string | undefined,
    name: name as string | undefined,
    peers: peers === undefined ? undefined : Number(peers),
    can:
      can === undefined
        ? undefined
        : String(can)
            .split(",")
            .filter((right) => right !== ""),
    key: key as string | undefined,
    kid: kid as string | undefined,
  }
}
