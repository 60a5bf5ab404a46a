// Access tokens (JWT, RFC 7519): whether one is good, and how one is made. The algorithm is fixed by what the server was
// given, never by the token: a secret is for HS256 alone, public keys for what is signed, so that nobody can sign with a
// public key as a secret (RFC 8725 section 3.1). Everything of cryptography is jose's.

import { createPrivateKey } from "node:crypto"
import { errors, jwtVerify, SignJWT } from "jose"
import { type Claims, readClaims } from "./claims.ts"
import { type KeySet, NoKeys } from "./key-set.ts"

/** 8 KiB: with 64 rooms and the largest signature there is room to spare; what is longer is not looked at. */
const TOKEN_CHARACTERS = 8_192

/** 10 s: the clocks of whoever makes tokens and of the nodes may differ by this. */
export const CLOCK_TOLERANCE_SECONDS = 10

/** 32 bytes: as long as the hash (RFC 7518 section 3.2). */
export const SECRET_BYTES = 32

const SIGNED = ["RS256", "ES256", "EdDSA"]

/**
 * Why a token is not good, for operators: its end has come (expired) or its beginning has not (early), nobody we know has
 * signed it so (signature), or by another algorithm than ours, it is for another server (audience), it is no token, or says
 * what nobody understands (malformed); or that cannot be told now.
 */
export const TOKEN_REFUSALS = [
  "expired",
  "early",
  "signature",
  "algorithm",
  "audience",
  "malformed",
  "unavailable",
] as const

/** One of them. */
export type TokenRefusal = (typeof TOKEN_REFUSALS)[number]

/** Checks a token. */
export type VerifyToken = (token: string) => Promise<Claims | TokenRefusal>

/** Makes the check of tokens that are signed with this secret, or whose keys are these. `audience` is us. */
export function makeVerifier(key: string | KeySet, audience: string): VerifyToken {
  const secret = typeof key === "string" ? new TextEncoder().encode(key) : undefined
  const options = {
    algorithms: secret === undefined ? SIGNED : ["HS256"],
    requiredClaims: ["exp"],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
  }
  return async (token) => {
    if (token.length > TOKEN_CHARACTERS) return "malformed"
    try {
      const { payload } = await (secret === undefined
        ? jwtVerify(token, (key as KeySet).find, options)
        : jwtVerify(token, secret, options))
      // Who says for whom a token is means nobody else (RFC 7519 section 4.1.3).
      if (payload.aud !== undefined && ![payload.aud].flat().includes(audience)) return "audience"
      return readClaims(payload) ?? "malformed"
    } catch (cause) {
      if (cause instanceof NoKeys) return "unavailable"
      // What is no token at all, or whose key is none, is thrown as something else than a JOSEError.
      if (cause instanceof errors.JOSEError || cause instanceof TypeError || cause instanceof DOMException)
        return refusalOf(cause)
      throw cause
    }
  }
}

function refusalOf(cause: Error): TokenRefusal {
  if (cause instanceof errors.JWTExpired) return "expired"
  if (cause instanceof errors.JWTClaimValidationFailed && cause.claim === "nbf" && cause.reason === "check_failed")
    return "early"
  if (cause instanceof errors.JOSEAlgNotAllowed) return "algorithm"
  const isUnknown = cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys
  return isUnknown || cause instanceof errors.JWSSignatureVerificationFailed ? "signature" : "malformed"
}

/** What a token is signed with. */
export interface Signer {
  /** A secret for HS256; or a private key as PEM or JWK, whose kind tells the algorithm. */
  readonly secret?: string | undefined
  readonly privateKey?: string | undefined
  /** Names the key in a JWKS. */
  readonly kid?: string | undefined
}

/**
 * Makes a token.
 * @throws TypeError when the key is none that can sign; the message is for people
 */
export async function makeToken(payload: Readonly<Record<string, unknown>>, signer: Signer): Promise<string> {
  const { secret, privateKey = "", kid } = signer
  const token = new SignJWT({ ...payload }).setIssuedAt()
  const named = kid === undefined ? {} : { kid }
  if (secret !== undefined)
    return token.setProtectedHeader({ alg: "HS256", ...named }).sign(new TextEncoder().encode(secret))
  const key = readPrivateKey(privateKey)
  const alg = ALGORITHMS[key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? ""]
  if (alg === undefined) throw new TypeError("must be a key for RS256 (RSA), ES256 (P-256) or EdDSA (Ed25519)")
  return token.setProtectedHeader({ alg, ...named }).sign(key)
}

/** By curve, or by kind of key. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  rsa: "RS256",
  prime256v1: "ES256",
  "P-256": "ES256",
  ed25519: "EdDSA",
}

function readPrivateKey(text: string) {
  try {
    return text.trimStart().startsWith("{")
      ? createPrivateKey({ key: JSON.parse(text), format: "jwk" })
      : createPrivateKey(text)
  } catch {
    throw new TypeError("is no private key (PEM or JWK)")
  }
}
