// wss and https with a certificate of one's own.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Certificate, makeCertificate } from "../helpers/certificate.ts"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, startNode, type TestNode } from "../helpers/node.ts"
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

test("a key of another certificate is refused at start", async () => {
  const other = join(folder, "other.pem")
  writeFileSync(other, makeCertificate().key)
  const { code, stderr } = await runExecutable(["--port", "0", "--tls-cert", args[1] ?? "", "--tls-key", other])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^palava-machine: --tls-cert, --tls-key: no certificate \(PEM\) and its key: .*MISMATCH\n$/)
})
