// wss and https with a certificate of one's own.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Certificate, makeCertificate } from "../helpers/certificate.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { handshake, RawSocket } from "../helpers/raw-socket.ts"

let folder: string
let certificate: Certificate
let args: string[]
let node: TestNode
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "palava-tls-"))
  certificate = makeCertificate()
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")]
  writeFileSync(cert, certificate.cert)
  writeFileSync(key, certificate.key)
  args = ["--tls-cert", cert, "--tls-key", key]
  node = await startNode(args)
})
afterAll(async () => {
  await node[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

test("clients that trust the certificate meet over wss", async () => {
  expect(node.url).toStartWith("wss://")
  const tls = { ca: certificate.cert }
  await using first = await TestClient.connect(node.url, { tls })
  await using second = await TestClient.connect(node.url.replace("127.0.0.1", "localhost"), { tls })
  await first.join("secure")
  expect((await second.join("secure"))["peers"]).toEqual([{ peer_id: first.ownId, status: {} }])
  await first.next("new_peer")
  second.send({ event: "send_to_peer", peer_id: first.ownId, data: { event: "message", text: "x".repeat(50_000) } })
  expect(await first.next()).toEqual({ event: "message", text: "x".repeat(50_000), sender_id: second.ownId })
})

test("clients that do not trust it are kept away by themselves", async () => {
  await expect(TestClient.connect(node.url)).rejects.toThrow("cannot connect")
})

test("the page comes over https, and health too", async () => {
  const tls = { ca: certificate.cert }
  expect((await fetch(node.httpUrl, { tls })).headers.get("content-type")).toStartWith("text/html")
  expect(await (await fetch(`${node.httpUrl}healthz`, { tls })).text()).toBe("ok\n")
})

test("who speaks plainly is not served, and disturbs nobody", async () => {
  using plain = await RawSocket.connect(node.port, handshake())
  await plain.closed
  expect(plain.head).toBe("")
  await using client = await TestClient.connect(node.url, { tls: { ca: certificate.cert } })
  expect((await client.join("after")).event).toBe("joined_room")
  expect(node.complaints()).toBe("")
})

test("only suites with forward secrecy, and no version before TLS 1.2", async () => {
  const [rsaCert, rsaKey] = [join(folder, "rsa.pem"), join(folder, "rsa-key.pem")]
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
  const made = Bun.spawnSync(
    ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject, "-keyout", rsaKey, "-out", rsaCert],
    { stderr: "pipe" },
  )
  expect([made.exitCode, made.exitCode === 0 || made.stderr.toString()]).toEqual([0, true])
  await using rsa = await startNode(["--tls-cert", rsaCert, "--tls-key", rsaKey])
  const suiteOf = (...flags: string[]): string => {
    const { stdout } = Bun.spawnSync(["openssl", "s_client", "-connect", `127.0.0.1:${rsa.port}`, ...flags], {
      stdin: "ignore",
      stderr: "ignore",
    })
    return /Cipher is (\S+)/.exec(stdout.toString())?.[1] ?? ""
  }
  expect(suiteOf("-tls1_3")).toMatch(/^TLS_/)
  expect(suiteOf("-tls1_2")).toMatch(/^ECDHE-RSA-/)
  for (const suites of ["kRSA", "AES256-GCM-SHA384", "AES128-SHA", "ECDHE-RSA-AES256-SHA"])
    expect([suites, suiteOf("-tls1_2", "-cipher", `${suites}:@SECLEVEL=0`)]).toEqual([suites, "(NONE)"])
  expect(suiteOf("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")).toBe("(NONE)")
})

test("browsers are told to keep to https, for as long as is said", async () => {
  const tls = { ca: certificate.cert }
  const headerOf = async (it: TestNode, path = "") =>
    (await fetch(`${it.httpUrl}${path}`, { tls })).headers.get("strict-transport-security")
  for (const path of ["", "healthz", "client.js", "nowhere.html"])
    expect(await headerOf(node, path)).toBe("max-age=31536000")
  await using ending = await startNode([...args, "--hsts-seconds", "0"])
  expect(await headerOf(ending)).toBe("max-age=0")
  await using plain = await startNode()
  expect(await headerOf(plain)).toBe(null)
})
