// Tokens signed with keys of a JWKS: which keys are believed, when they are read again, and what happens when they cannot be.

import { describe, expect, test } from "bun:test"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { exportJWK, exportPKCS8, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, startNode, type TestNode } from "../helpers/node.ts"
import { poll } from "../helpers/redis.ts"
import { forge, inSeconds, SECRET, sign } from "./tokens.ts"

/** A key pair that signs, and what is published of it. */
async function makeKey(alg: "RS256" | "ES256" | "EdDSA", kid: string) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg }
  const signed = (claims: object = {}, header: object = { kid }) =>
    new SignJWT({ room: "tea", exp: inSeconds(3600), ...claims })
      .setProtectedHeader({ alg, ...header })
      .sign(privateKey)
  return { kid, alg, jwk, publicKey, privateKey, sign: signed }
}

const rsa = await makeKey("RS256", "rsa")
const ec = await makeKey("ES256", "ec")
const ed = await makeKey("EdDSA", "ed")
const stranger = await makeKey("ES256", "stranger")

const folder = mkdtempSync(join(tmpdir(), "palava-jwks-"))

function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
  return path
}

/** What somebody with this token is answered who wants into the room `tea`. */
async function ask(node: TestNode, token: string): Promise<unknown> {
  await using client = await TestClient.connect(node.url)
  client.send({ event: "join_room", room_id: "tea", token })
  const { event, id } = await client.next()
  return id ?? event
}

/** A server of keys, which answers what it is told to, and counts how often it is asked. */
function serveKeys(answer: () => Response | Promise<Response>) {
  let asked = 0
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch() {
      asked++
      return answer()
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}/keys`,
    asked: () => asked,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

describe("a file of keys", () => {
  test("each kind of key is believed, with its id or without; others are not", async () => {
    const symmetric = { kty: "oct", k: Buffer.from(SECRET).toString("base64url"), kid: "oct", alg: "HS256" }
    const keys = [rsa.jwk, ec.jwk, ed.jwk, symmetric]
    await using node = await startNode(["--auth-jwks", file("all.json", { keys })])
    for (const key of [rsa, ec, ed]) {
      expect(await ask(node, await key.sign())).toBe("joined_room")
      expect(await ask(node, await key.sign({}, {}))).toBe("joined_room")
      expect(await ask(node, await key.sign({ room: "coffee" }))).toBe("unauthorized")
      expect(await ask(node, await key.sign({ exp: inSeconds(-11) }))).toBe("unauthorized")
    }
    const pem = await exportSPKI(rsa.publicKey)
    const [, , signature = ""] = (await rsa.sign()).split(".")
    for (const token of [
      await stranger.sign(),
      await stranger.sign({}, { kid: "ec" }),
      await ec.sign({}, { kid: "rsa" }),
      await stranger.sign({}, { kid: "stranger", jwk: stranger.jwk }),
      await stranger.sign({}, { kid: "stranger", jku: "http://127.0.0.1:1/keys" }),
      // The public key as a secret, in each shape it may have been stored in, and the secret in the set itself.
      await sign({ room: "tea" }, pem),
      await sign({ room: "tea" }, pem.trim()),
      await sign({ room: "tea" }, JSON.stringify(rsa.jwk)),
      await sign({ room: "tea" }, String(rsa.jwk.n)),
      await sign({ room: "tea" }, SECRET),
      forge({ alg: "none", kid: "rsa" }, { room: "tea" }),
      forge({ alg: "HS256", kid: "oct" }, { room: "tea" }, signature),
      forge({ alg: "RS512", kid: "rsa" }, { room: "tea" }, signature),
    ]) {
      expect(await ask(node, token)).toBe("unauthorized")
    }
  })

  test("that has changed is read again", async () => {
    const path = file("rotated.json", { keys: [ec.jwk] })
    await using node = await startNode(["--auth-jwks", path])
    expect(await ask(node, await ec.sign())).toBe("joined_room")
    file("rotated.json", { keys: [ed.jwk] })
    // Not more often than once a second, however many ask.
    await poll(async () => (await ask(node, await ed.sign())) === "joined_room", 20_000, 100)
    expect(await ask(node, await ec.sign())).toBe("unauthorized")
  })

  test.each([
    ["missing", undefined, "no such file"],
    ["no-json", "<html>", "is not JSON"],
    ["no-set", { keys: 1 }, "is no JWKS (RFC 7517) with a public key in it"],
    ["only-secret", { keys: [{ kty: "oct", k: "AAAA" }] }, "is no JWKS (RFC 7517) with a public key in it"],
  ])("that is none ends the start with a line: %s", async (name, content, reason) => {
    const path = content === undefined ? join(folder, name) : file(name, content)
    const { code, stderr } = await runExecutable(["check-config", "--auth-jwks", path])
    expect([code, stderr.toLowerCase()]).toEqual([2, expect.stringContaining(reason.toLowerCase())])
    expect(stderr).toStartWith(`palava-machine: --auth-jwks ${path}: `)
  })
})

describe("a URL of keys", () => {
  test("is asked once for many, and not again for each key that is not there", async () => {
    let keys = [ec.jwk]
    await using served = serveKeys(() => Response.json({ keys }))
    await using node = await startNode(["--auth-jwks", served.url])
    const good = await ec.sign()
    expect(await Promise.all(Array.from({ length: 20 }, () => ask(node, good)))).toEqual(Array(20).fill("joined_room"))
    expect(served.asked()).toBe(1)
    keys = [ec.jwk, ed.jwk]
    for (let at = 0; at < 20; at++) {
      expect(await ask(node, await stranger.sign({}, { kid: `unknown-${at}` }))).toBe("unauthorized")
    }
    expect(served.asked()).toBe(1)
    expect(await ask(node, good)).toBe("joined_room")
  })

  test("that cannot be reached: told as a trouble that passes, and once in the log; the server serves", async () => {
    await using node = await startNode(["--auth-jwks", "http://127.0.0.1:1/keys?secret=x"])
    const token = await ec.sign()
    for (let at = 0; at < 3; at++) expect(await ask(node, token)).toBe("unavailable")
    await using byUrl = await TestClient.connect(`${node.url}?access_token=${token}`)
    expect((await byUrl.closed).code).toBe(1013)
    expect(node.complaints().match(/the keys for tokens cannot be read/g)).toHaveLength(1)
    expect(node.log()).not.toContain("secret=x")
    expect((await fetch(`${node.httpUrl}readyz`)).status).toBe(200)
  })

  test.each([
    ["an error", () => new Response("no", { status: 500 })],
    ["nonsense", () => new Response("<html>")],
    ["no keys", () => Response.json({ keys: [] })],
    ["too much", () => new Response("x".repeat(300_000))],
    ["a redirection", () => Response.redirect("http://127.0.0.1:1/keys")],
  ])("that answers with %s lets nobody in", async (_what, answer) => {
    await using served = serveKeys(answer)
    await using node = await startNode(["--auth-jwks", served.url])
    for (let at = 0; at < 3; at++) expect(await ask(node, await ec.sign())).toBe("unavailable")
    expect(served.asked()).toBe(1)
  })

  test.each(["http://id.example.org/keys", "ftp://id.example.org/keys"])("%s is none to trust", async (url) => {
    const { code, stderr } = await runExecutable(["--auth-jwks", url])
    expect([code, stderr]).toEqual([2, expect.stringContaining("must be a file or an https URL")])
  })
})

describe("palava-machine token", () => {
  for (const key of [rsa, ec, ed]) {
    test(`signs with a private key for ${key.alg}, as PEM and as JWK`, async () => {
      await using node = await startNode(["--auth-jwks", file(`${key.alg}.json`, { keys: [key.jwk] })])
      const pem = file(`${key.alg}.pem`, await exportPKCS8(key.privateKey))
      const jwk = file(`${key.alg}.jwk`, { ...(await exportJWK(key.privateKey)), kty: key.jwk.kty })
      for (const path of [pem, jwk]) {
        const { stdout } = await runExecutable(["token", "--room", "tea", "--key", path, "--kid", key.kid])
        expect(await ask(node, stdout.trim())).toBe("joined_room")
      }
    })
  }

  test("makes what its flags say, by the secret of a file", async () => {
    const path = file("secret", `${SECRET}\n`)
    await using node = await startNode(["--auth-secret-file", path])
    const args = ["token", "--auth-secret-file", path, "--room", "tea", "--room", "x*"]
    const more = ["--ttl", "30m", "--sub", "ada@example.org", "--name", "Ada", "--peers", "4", "--can", "send,lock"]
    const { stdout } = await runExecutable([...args, ...more])
    const claims = JSON.parse(Buffer.from(stdout.split(".")[1] ?? "", "base64url").toString()) as Record<string, number>
    const { exp, iat, ...rest } = claims
    const said = { room: ["tea", "x*"], sub: "ada@example.org", name: "Ada", peers: 4, can: ["send", "lock"] }
    expect(rest as object).toEqual(said)
    expect((exp ?? 0) - (iat ?? 0)).toBe(1800)
    expect(await ask(node, stdout.trim())).toBe("joined_room")
  })

  test.each([
    [["--room", "x"], "nothing to sign with"],
    [["--auth-secret", SECRET], "--room: say for which room"],
    [["--auth-secret", SECRET, "--room", "x", "--ttl", "soon"], "--ttl: must be a time"],
    [["--auth-secret", SECRET, "--room", "x", "--peers", "0"], "--peers: must be"],
    [["--auth-secret", SECRET, "--room", "x", "--can", "fly"], "no server would take it"],
    [["--room", "x", "--key", "/nowhere"], "--key /nowhere: "],
    [["--auth-secret", "short", "--room", "x"], "--auth-secret: must have at least 32 bytes"],
    [["--auth-secret", SECRET, "--auth-jwks", "https://x/", "--room", "x"], "give one of them"],
  ])("%p is told what is wrong", async (args, told) => {
    const { code, stdout, stderr } = await runExecutable(["token", ...args])
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(told)])
  })

  test("check-config never shows the secret, nor does a message", async () => {
    const short = "only thirty-one bytes long xxxx"
    const by = (secret: string) => runExecutable(["check-config"], { PALAVA_AUTH_SECRET: secret })
    expect((await by(SECRET)).stdout).toContain('auth_secret = "***"  # PALAVA_AUTH_SECRET')
    const { code, stdout, stderr } = await by(short)
    expect([code, stderr]).toEqual([2, expect.stringContaining("must have at least 32 bytes")])
    expect(stdout + stderr).not.toContain("thirty-one")
  })
})
