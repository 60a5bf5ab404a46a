// Tokens for the attack with tokens: a key that the node believes, what the honest peers get by it, and what an attacker has
// who knows its public half, and some tokens that were good once or are good elsewhere.

import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose"
import { forge, inSeconds, sign } from "../access/tokens.ts"

/** The room of the honest. */
const ROOM = "honest"

/** What each side is given. */
export interface Tokens {
  /** Options of the node. */
  readonly args: readonly string[]
  /** For the honest peers. */
  readonly good: string
  /** A file with the attacker's, as a list in JSON. */
  readonly badFile: string
}

/** Makes them, in files of this folder. RS256 is the dearest to verify. */
export async function makeTokens(folder: string): Promise<Tokens> {
  const [own, other] = await Promise.all([1, 2].map(() => generateKeyPair("RS256", { extractable: true })))
  if (own === undefined || other === undefined) throw new TypeError("no keys")
  const jwk = { ...(await exportJWK(own.publicKey)), kid: "own", alg: "RS256" }
  const signed = (claims: object, { privateKey } = own) =>
    new SignJWT({ room: ROOM, exp: inSeconds(3600), ...claims })
      .setProtectedHeader({ alg: "RS256", kid: "own" })
      .sign(privateKey)
  const good = await signed({})
  const bad = [
    await signed({ room: "another" }),
    await signed({ room: ["honesty*", "hone"] }),
    await signed({ exp: inSeconds(-3600) }),
    await signed({ nbf: inSeconds(3600) }),
    await signed({}, other),
    await sign({ room: ROOM }, await exportSPKI(own.publicKey)),
    await sign({ room: ROOM }, JSON.stringify(jwk)),
    forge({ alg: "none", kid: "own" }, { room: ROOM }),
    forge({ alg: "HS256", kid: "own" }, { room: ROOM }, good.split(".")[2]),
    forge({ alg: "RS256", kid: "own" }, { room: ROOM }, good.split(".")[2]),
    forge({ alg: "RS256", jwk }, { room: ROOM }, good.split(".")[2]),
    await signed({ more: "x".repeat(8_192) }),
  ]
  const [keysFile, badFile] = [join(folder, "keys.json"), join(folder, "tokens.json")]
  writeFileSync(keysFile, JSON.stringify({ keys: [jwk] }))
  writeFileSync(badFile, JSON.stringify(bad))
  return { args: ["--auth-jwks", keysFile], good, badFile }
}
