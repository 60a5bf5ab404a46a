// What is wrong with certificates and keys is found before anything starts: by check-config, and by the start itself.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { generateKeyPairSync } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type CertificateOptions, makeCertificate } from "../helpers/certificate.ts"
import { runExecutable, startNode } from "../helpers/node.ts"

const USAGE = 2

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "palava-check-"))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(text: string): string {
  const path = join(folder, crypto.randomUUID())
  writeFileSync(path, text)
  return path
}

/** Flags of a pair in files of its own; with `host`, for that name. */
function pair(options: CertificateOptions = {}, host = ""): string[] {
  const { cert, key } = makeCertificate(options)
  const name = host === "" ? "" : `${host}=`
  return ["--tls-cert", `${name}${file(cert)}`, "--tls-key", `${name}${file(key)}`]
}

function flags(cert: string, key: string): string[] {
  return ["--tls-cert", file(cert), "--tls-key", file(key)]
}

const { cert, key } = makeCertificate()
const encrypted = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "word" },
  publicKeyEncoding: { type: "spki", format: "pem" },
}).privateKey
const broken = cert.replace(/\n.{20}/, `\n${"A".repeat(20)}`)

for (const [what, args, line] of [
  ["a key that does not match", () => flags(cert, makeCertificate().key), /--tls-key \S+: is the key of another cert/],
  [
    "swapped files",
    () => flags(key, cert),
    /--tls-cert \S+: is a private key, and --tls-key a certificate: swap the two/,
  ],
  ["no PEM", () => flags("hello\n", "hello\n"), /--tls-cert \S+: no certificate \(PEM\) in it/],
  ["no key", () => flags(cert, "hello\n"), /--tls-key \S+: no private key \(PEM\) in it/],
  ["a key with a passphrase", () => flags(cert, encrypted), /--tls-key \S+: the key wants a passphrase/],
  ["a broken certificate", () => flags(broken, key), /--tls-cert \S+: broken certificate/],
  [
    "a name it is not for",
    () => pair({ name: "a.example" }, "b.example"),
    /--tls-cert \S+: is for a\.example, not for b\.example/,
  ],
  ["one name twice", () => [...pair(), ...pair()], /--tls-cert: given twice for all names/],
  [
    "a name without a key",
    () => [...pair(), "--tls-cert", `a.example=${file(cert)}`],
    /go together: give both or none for a\.example/,
  ],
] as readonly [string, () => string[], RegExp][]) {
  test(`${what}: one line, for check-config and at start`, async () => {
    const given = args()
    for (const command of [["check-config"], ["--port", "0", "--admin-listen", "off"]]) {
      const { code, stderr } = await runExecutable([...command, ...given])
      expect([code, stderr]).toEqual([USAGE, expect.stringMatching(line)])
      expect(stderr).toMatch(/^palava-machine: .*\n(palava-machine: --tls-key: given twice.*\n)?$/)
    }
  })
}

test("expired, or not yet valid: check-config says so; the server starts, as its other clients may not care", async () => {
  for (const [dates, line] of [
    [{ fromDays: -9, toDays: -2 }, /--tls-cert \S+: expired on \d{4}-\d\d-\d\d: renew it\n$/],
    [{ fromDays: 2, toDays: 9 }, /--tls-cert \S+: is not valid before .*: is the clock of this machine right\?\n$/],
  ] as const) {
    const given = pair(dates)
    const { code, stderr } = await runExecutable(["check-config", ...given])
    expect([code, stderr]).toEqual([USAGE, expect.stringMatching(line)])
    await using node = await startNode(given)
    expect(node.url).toStartWith("wss://")
  }
})

test("what is good is shown as it was given", async () => {
  const given = [...pair(), ...pair({ name: "*.example.org" }, "*.example.org")]
  const { code, stdout, stderr } = await runExecutable(["check-config", ...given])
  expect([code, stderr]).toEqual([0, ""])
  expect(stdout).toContain(`tls_cert = ${JSON.stringify([given[1], given[5]])}  # --tls-cert`)
})
