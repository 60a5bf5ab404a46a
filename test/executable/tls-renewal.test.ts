// Certificates renewed under a running server: what it uses then, what it refuses, and whom that disturbs.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "node:tls"
import { type Certificate, type CertificateOptions, makeCertificate } from "../helpers/certificate.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "palava-renewal-"))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A pair in files of its own, which can be written again. */
function makeFiles(options?: CertificateOptions) {
  const name = crypto.randomUUID()
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  const write = (pair: Certificate): Certificate => {
    writeFileSync(key, pair.key)
    writeFileSync(cert, pair.cert)
    return pair
  }
  const first = write(makeCertificate(options))
  return { cert, key, first, write, renew: (next?: CertificateOptions) => write(makeCertificate(next ?? options)) }
}

/** The fingerprint of the certificate that the server shows for a name. */
function shown(node: TestNode, servername?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const name = servername === undefined ? {} : { servername }
    const socket = connect({ host: "127.0.0.1", port: node.port, rejectUnauthorized: false, ...name }, () => {
      resolve(socket.getPeerCertificate().fingerprint256 ?? "")
      socket.destroy()
    })
    socket.on("error", reject)
  })
}

const fingerprintOf = ({ cert }: Certificate): string => new X509Certificate(cert).fingerprint256

/** Sends SIGHUP and waits for its line: what it said. */
async function reload(node: TestNode): Promise<string> {
  const before = node.log().length
  node.kill("SIGHUP")
  await node.logged(/"files read again"/, before)
  return node.log().slice(before)
}

test("SIGHUP: new connections get the new one, open ones live on, and all of them meet in one room", async () => {
  const files = makeFiles()
  await using node = await startNode(["--tls-cert", files.cert, "--tls-key", files.key])
  expect(await shown(node)).toBe(fingerprintOf(files.first))
  await using early = await TestClient.connect(node.url, { tls: { ca: files.first.cert } })
  await early.join("tea")
  const second = files.renew({ toDays: 60 })
  const told = await reload(node)
  expect(told).toMatch(
    /"level":"info".*"expires":"\d{4}-\d\d-\d\d","days":(59|60),"msg":"a renewed certificate is in use"/,
  )
  expect(told).toMatch(/"certificates":"renewed","adminToken":"none","msg":"files read again"/)
  expect(await shown(node)).toBe(fingerprintOf(second))
  const seconds = Date.parse(new X509Certificate(second.cert).validTo) / 1000
  expect(await node.metric("palava_tls_certificate_expires_timestamp_seconds", 'name="default"')).toBe(seconds)

  await using late = await TestClient.connect(node.url, { tls: { ca: second.cert } })
  expect((await late.join("tea"))["peers"]).toEqual([{ peer_id: early.ownId, status: {} }])
  expect(await early.next("new_peer")).toMatchObject({ peer_id: late.ownId })
  for (const [from, to] of [[early, late] as const, [late, early] as const]) {
    from.send({ event: "send_to_peer", peer_id: to.ownId, data: { event: "message", text: "hello" } })
    expect(await to.next("message")).toEqual({ event: "message", text: "hello", sender_id: from.ownId })
    from.send({ event: "update_status", status: { name: "new" } })
    expect(await to.next("peer_updated_status")).toMatchObject({ sender_id: from.ownId })
  }
  expect(await node.metric("palava_connections")).toBe(2)
  expect(node.complaints()).toBe("")
})

test("files that change are found without a signal", async () => {
  const files = makeFiles()
  await using node = await startNode(["--tls-cert", files.cert, "--tls-key", files.key])
  const second = files.renew()
  await node.logged(/"a renewed certificate is in use"/)
  expect(await shown(node)).toBe(fingerprintOf(second))
  expect(node.complaints()).toBe("")
})

test("renewed again and again: those who stay from before every one of them still meet", async () => {
  const files = makeFiles()
  await using node = await startNode(["--tls-cert", files.cert, "--tls-key", files.key])
  const clients: TestClient[] = []
  for (let round = 0; round < 4; round++) {
    const { cert } = round === 0 ? files.first : files.renew()
    if (round > 0) await reload(node)
    const client = await TestClient.connect(node.url, { tls: { ca: cert } })
    await client.join("tea")
    for (const before of clients) expect(await before.next("new_peer")).toMatchObject({ peer_id: client.ownId })
    clients.push(client)
  }
  const leaving = clients.shift()
  await leaving?.[Symbol.asyncDispose]()
  for (const client of clients) {
    expect(await client.next("peer_left")).toEqual({ event: "peer_left", sender_id: leaving?.ownId })
    await client[Symbol.asyncDispose]()
  }
  expect(await node.stop()).toBe(0)
})

test("no more than four former listeners keep their connections", async () => {
  const files = makeFiles()
  await using node = await startNode(["--tls-cert", files.cert, "--tls-key", files.key])
  let { cert } = files.first
  const clients: TestClient[] = []
  for (let round = 0; round < 6; round++) {
    clients.push(await TestClient.connect(node.url, { tls: { ca: cert } }))
    cert = files.renew().cert
    await reload(node)
  }
  expect(await Promise.race(clients.map((client, at) => client.closed.then(() => at)))).toBe(0)
  await clients[1]?.closed
  for (const client of clients.slice(2)) expect((await client.join("tea")).event).toBe("joined_room")
  for (const client of clients) await client[Symbol.asyncDispose]()
})

describe("a pair that cannot be used is told of in one line, and the old one stays", () => {
  for (const [what, spoil, line] of [
    [
      "a key of another certificate",
      (files) => writeFileSync(files.key, makeCertificate().key),
      /--tls-key \S+: is the key of another certificate/,
    ],
    ["no certificate", (files) => writeFileSync(files.cert, "hello\n"), /--tls-cert \S+: no certificate \(PEM\) in it/],
    ["a certificate cut off", (files) => writeFileSync(files.cert, files.first.cert.slice(0, 99)), /no certificate/],
    ["no file", (files) => rmSync(files.key), /--tls-key \S+: cannot be read: ENOENT/],
    ["an expired one", (files) => void files.renew({ fromDays: -9, toDays: -1 }), /--tls-cert \S+: expired on/],
  ] as readonly [string, (files: ReturnType<typeof makeFiles>) => void, RegExp][]) {
    test(what, async () => {
      const files = makeFiles()
      await using node = await startNode(["--tls-cert", files.cert, "--tls-key", files.key])
      spoil(files)
      const told = await reload(node)
      expect(told).toMatch(line)
      expect(told).toContain('"certificates":"refused"')
      expect(told.trim().split("\n")).toBeArrayOfSize(2)
      expect(await shown(node)).toBe(fingerprintOf(files.first))
      const mended = files.renew()
      expect(await reload(node)).toContain('"certificates":"renewed"')
      expect(await shown(node)).toBe(fingerprintOf(mended))
    })
  }
})

test("SIGHUP without certificates is a line, and ends nothing", async () => {
  await using node = await startNode()
  await using client = await TestClient.connect(node.url)
  await client.join("tea")
  expect(await reload(node)).toMatch(/"certificates":"none","adminToken":"none","msg":"files read again"/)
  client.send({ event: "info" })
  expect((await client.next("info")).event).toBe("info")
})

test("SIGHUP: the administration's token is another one", async () => {
  const token = join(folder, "token")
  writeFileSync(token, "the-first-of-two-tokens", { mode: 0o600 })
  await using node = await startNode(["--admin-token-file", token])
  const statusWith = async (word: string) =>
    (await fetch(`${node.adminUrl}metrics`, { headers: { authorization: `Bearer ${word}` } })).status
  writeFileSync(token, "the-other-of-two-tokens")
  expect(await reload(node)).toContain('"adminToken":"renewed"')
  expect([await statusWith("the-first-of-two-tokens"), await statusWith("the-other-of-two-tokens")]).toEqual([401, 200])
  writeFileSync(token, "")
  expect(await reload(node)).toContain('"adminToken":"refused"')
  expect(await statusWith("the-other-of-two-tokens")).toBe(200)
})

test("a certificate for each host name, one for all others, and each renewed by itself", async () => {
  const [all, one, wild] = [makeFiles(), makeFiles({ name: "one.example.org" }), makeFiles({ name: "*.example.net" })]
  const args = [
    ...["--tls-cert", all.cert, "--tls-key", all.key],
    ...["--tls-cert", `one.example.org=${one.cert}`, "--tls-key", `one.example.org=${one.key}`],
    ...["--tls-cert", `*.example.net=${wild.cert}`, "--tls-key", `*.example.net=${wild.key}`],
  ]
  await using node = await startNode(args)
  const seen = async () =>
    Promise.all([undefined, "elsewhere.example", "one.example.org", "any.example.net"].map((name) => shown(node, name)))
  const [first, second, third] = [all, one, wild].map((files) => fingerprintOf(files.first))
  expect(await seen()).toEqual([first, first, second, third] as string[])
  const renewed = fingerprintOf(one.renew())
  await reload(node)
  expect(await seen()).toEqual([first, first, renewed, third] as string[])
})

test("one that ends soon, or has ended, is told of at once", async () => {
  const soon = makeFiles({ toDays: 13 })
  await using node = await startNode(["--tls-cert", soon.cert, "--tls-key", soon.key])
  expect(node.complaints()).toMatch(/^\{"level":"warn".*"days":1[23],"msg":"a certificate expires soon"\}\n$/)
  const ended = makeFiles({ fromDays: -90, toDays: -2 })
  await using other = await startNode(["--tls-cert", ended.cert, "--tls-key", ended.key])
  expect(other.complaints()).toMatch(/^\{"level":"error".*"days":-[23],"msg":"a certificate has expired"\}\n$/)
})
