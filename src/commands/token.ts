// `palava-machine token`: an access token for whoever may come into a room.

import { readFileSync } from "node:fs"
import { readClaims } from "../access/claims.ts"
import { makeToken } from "../access/tokens.ts"
import type { Invocation } from "../config/load.ts"
import { exitFor } from "./exit.ts"

/** Prints a token as the flags of the command say. */
export async function printToken({ config, tokenFlags }: Invocation): Promise<void> {
  const { rooms, ttlSeconds, sub, name, peers, can, key, kid } = tokenFlags
  const payload = {
    room: rooms.length === 1 ? rooms[0] : rooms,
    exp: Math.floor(Date.now() / 1000) + ttlSeconds,
    ...(sub === undefined ? {} : { sub }),
    ...(name === undefined ? {} : { name }),
    ...(peers === undefined ? {} : { peers }),
    ...(can === undefined ? {} : { can }),
  }
  if (readClaims(payload) === undefined)
    exitFor(["token: no server would take it: a name has 1 to 50 characters, and --can is some of send,status,lock"])
  if (key === undefined && config.authSecret === "")
    exitFor(["token: nothing to sign with: give --auth-secret-file, --auth-secret or --key"])
  try {
    const signer = key === undefined ? { secret: config.authSecret } : { privateKey: readFileSync(key, "utf8") }
    console.log(await makeToken(payload, { ...signer, kid }))
  } catch (cause) {
    exitFor([`--key ${key}: ${(cause as Error).message}`])
  }
}
