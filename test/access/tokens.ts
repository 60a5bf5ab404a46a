// Tokens for tests: good ones, and what attackers make of them.

import { SignJWT } from "jose"

/** The secret of the servers in these tests. */
export const SECRET = "a secret of more than 32 bytes, for tests alone"

/** Unix seconds, so many from now. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds
}

/** A token of these claims, good for an hour unless they say otherwise. */
export function sign(claims: object, secret = SECRET): Promise<string> {
  return new SignJWT({ exp: inSeconds(3600), ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(secret))
}

/** A token as somebody writes it who has no key. */
export function forge(header: object, claims: object, signature = ""): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
  return `${part(header)}.${part({ exp: inSeconds(3600), ...claims })}.${signature}`
}

/** Tokens that nobody may get into the room `tea` with, by what is wrong with them. */
export async function badTokens(): Promise<Record<string, string>> {
  const good = await sign({ room: "tea" })
  const [header = "", payload = "", signature = ""] = good.split(".")
  const claims = { room: "tea" }
  return {
    "of another room": await sign({ room: "coffee" }),
    "of another prefix": await sign({ room: ["teapot*", "te", "x*"] }),
    expired: await sign({ ...claims, exp: inSeconds(-11) }),
    "not yet good": await sign({ ...claims, nbf: inSeconds(60) }),
    "without an end": await sign({ ...claims, exp: undefined }),
    "whose end is a text": await sign({ ...claims, exp: String(inSeconds(60)) }),
    "without a room": await sign({}),
    "whose room is a number": await sign({ room: 7 }),
    "whose rooms are none": await sign({ room: [] }),
    "whose rooms are too many": await sign({ room: Array(65).fill("tea") }),
    "whose rooms hold a null": await sign({ room: ["tea", null] }),
    "whose name is blank": await sign({ ...claims, name: " " }),
    "whose name is too long": await sign({ ...claims, name: "x".repeat(51) }),
    "whose name is an object": await sign({ ...claims, name: {} }),
    "whose subject is a number": await sign({ ...claims, sub: 1 }),
    "whose peers are no number": await sign({ ...claims, peers: "2" }),
    "whose peers are none": await sign({ ...claims, peers: 0 }),
    "whose rights are none there are": await sign({ ...claims, can: ["send", "fly"] }),
    "whose rights are a text": await sign({ ...claims, can: "send" }),
    "for somebody else": await sign({ ...claims, aud: "another-service" }),
    "of another secret": await sign(claims, `${SECRET}!`),
    "of an empty secret": forge({ alg: "HS256" }, claims, "AAAA"),
    "of no algorithm": forge({ alg: "none" }, claims),
    "of no algorithm, with a signature": forge({ alg: "none" }, claims, signature),
    "of No Algorithm": forge({ alg: "nOnE" }, claims),
    "of another algorithm": forge({ alg: "HS512" }, claims, signature),
    "of a key it brings": forge({ alg: "RS256", jwk: { kty: "oct", k: "AAAA" } }, claims, signature),
    "with a critical header": forge({ alg: "HS256", crit: ["b64"], b64: false }, claims, signature),
    changed: `${header}.${Buffer.from('{"room":"tea","exp":9999999999}').toString("base64url")}.${signature}`,
    "without a signature": `${header}.${payload}.`,
    "cut off": `${header}.${payload}`,
    "no token": "abc",
    empty: "",
    "not JSON": "AAAA.AAAA.AAAA",
    "longer than 8 KiB": await sign({ ...claims, sub: "x", more: "x".repeat(8_192) }),
  }
}
