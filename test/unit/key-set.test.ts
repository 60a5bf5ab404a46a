// When keys for tokens are read again from their URL, by a clock that the test sets: minutes pass at once.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from "jose"
import { KeySet } from "../../src/access/key-set.ts"
import { SYSTEM_CLOCK } from "../../src/clock.ts"
import { poll } from "../helpers/redis.ts"

async function makeKey(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair("ES256")
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg: "ES256" }
  return { jwk, token: await new SignJWT({}).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey) }
}

const [old, next, stranger] = [await makeKey("old"), await makeKey("next"), await makeKey("stranger")]

let seconds: number
let lines: string[]
let served: JWK[] | "down"
let asked: number
let server: Bun.Server<undefined>
let keys: KeySet
beforeEach(() => {
  ;[seconds, lines, served, asked] = [1000, [], [old.jwk], 0]
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => {
      asked++
      return served === "down" ? new Response("", { status: 503 }) : Response.json({ keys: served })
    },
  })
  const log = (_fields: object, message: string) => void lines.push(message)
  const clock = { ...SYSTEM_CLOCK, monotonicMs: () => seconds * 1000 }
  keys = new KeySet(`http://127.0.0.1:${server.port}/keys`, clock, { error: log, warn: log, info: log, debug: log })
})
afterEach(() => server.stop(true))

const isGood = ({ token }: { token: string }): Promise<boolean> =>
  jwtVerify(token, keys.find).then(
    () => true,
    () => false,
  )

test("a key that is not there is asked for, every 30 s at most", async () => {
  expect([await isGood(old), await isGood(next), asked]).toEqual([true, false, 1])
  served = [old.jwk, next.jwk]
  seconds += 29
  expect([await isGood(next), asked]).toEqual([false, 1])
  seconds += 1
  expect(await Promise.all(Array.from({ length: 5 }, () => isGood(next)))).toEqual(Array(5).fill(true))
  expect([await isGood(stranger), asked]).toEqual([false, 2])
})

test("after ten minutes all are read again: one that was taken back is believed no longer", async () => {
  expect(await isGood(old)).toBe(true)
  served = [next.jwk]
  seconds += 600
  expect([await isGood(old), asked]).toEqual([true, 1])
  seconds += 1
  // Nobody waits for it.
  expect(await isGood(old)).toBe(true)
  await poll(async () => !(await isGood(old)))
  expect([await isGood(next), asked]).toEqual([true, 2])
})

test("those known stay while the URL cannot be read, which is told once, as its end is", async () => {
  expect(await isGood(old)).toBe(true)
  served = "down"
  for (let round = 0; round < 3; round++) {
    seconds += 601
    expect([await isGood(old), await isGood(next)]).toEqual([true, false])
  }
  expect([asked, lines]).toEqual([4, ["the keys for tokens cannot be read"]])
  served = [next.jwk]
  seconds += 601
  expect(await isGood(next)).toBe(true)
  expect(lines).toEqual(["the keys for tokens cannot be read", "the keys for tokens could be read again"])
})
