// How a node gets into Redis: TLS, user and password, a prefix of its own; and what it says when it may not.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { chmodSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeCertificate } from "../helpers/certificate.ts"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, startNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"

/** Characters a URL must escape, so that forgetting to is seen. */
const PASSWORD = "s3cret/with:@signs"

let directory: string
let redis: RedisServer
let tlsPort: number
let certificate: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "palava-tls-"))
  certificate = join(directory, "cert.pem")
  const key = join(directory, "key.pem")
  const made = Bun.spawnSync(
    [
      ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
      ...["-keyout", key, "-out", certificate],
    ],
    { stderr: "pipe" },
  )
  if (made.exitCode !== 0) throw new Error(`openssl: ${made.stderr}`)
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
  tlsPort = probe.port
  probe.stop(true)
  redis = await startRedis(
    ...["--tls-port", String(tlsPort), "--tls-cert-file", certificate, "--tls-key-file", key],
    ...["--tls-ca-cert-file", certificate, "--tls-auth-clients", "no"],
  )
  await redis.cli("ACL", "SETUSER", "signaling", "on", `>${PASSWORD}`, "~*", "&*", "+@all")
}, 60_000)

afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

test("rediss:// with user and password: both connections come in by TLS as that user", async () => {
  const url = `rediss://signaling:${encodeURIComponent(PASSWORD)}@localhost:${tlsPort}`
  await using node = await startNode(["--redis", url, "--redis-prefix", "tls"], { NODE_EXTRA_CA_CERTS: certificate })
  await using client = await TestClient.connect(node.url)
  expect((await client.join("tea")).event).toBe("joined_room")
  const clients = (await redis.cli("CLIENT", "LIST")).split("\n").filter((line) => line.includes("user=signaling"))
  expect(clients.map((line) => line.includes(`laddr=127.0.0.1:${tlsPort}`) || line.includes(`:${tlsPort} `))).toEqual([
    true,
    true,
  ])
  const keys = (await redis.cli("KEYS", "*")).trim().split("\n")
  expect(keys.filter((key) => !key.startsWith("tls:"))).toEqual([])
  expect(keys.join()).not.toContain("tea")
})

test("a certificate nobody vouches for, and a wrong password, are said in the log, without the password", async () => {
  for (const url of [`rediss://localhost:${tlsPort}`, `redis://signaling:wrong-word@127.0.0.1:${redis.port}`]) {
    const child = Bun.spawn(
      [
        join(import.meta.dir, "../../dist/palava-machine"),
        "--port",
        "0",
        "--admin-listen",
        "off",
        "--log-level",
        "warn",
        "--redis",
        url,
      ],
      { env: {}, stdout: "ignore", stderr: "pipe" },
    )
    const { value } = await child.stderr.getReader().read()
    child.kill()
    await child.exited
    const line = new TextDecoder().decode(value)
    expect(line).toMatch(/certificate|WRONGPASS/i)
    expect(line).not.toContain("wrong-word")
  }
})

test("rediss:// to an address, with its authority, the client's own certificate and the password in files", async () => {
  const own = makeCertificate({ name: "palava" })
  const [cert, key, password] = ["own.pem", "own-key.pem", "password"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  await Promise.all([Bun.write(cert, own.cert), Bun.write(key, own.key), Bun.write(password, `${PASSWORD}\n`)])
  chmodSync(password, 0o600)
  await redis.cli("CONFIG", "SET", "tls-ca-cert-file", cert, "tls-auth-clients", "yes")
  const args = [
    ...["--redis", `rediss://signaling@127.0.0.1:${tlsPort}`, "--redis-prefix", "files"],
    ...["--redis-ca", certificate, "--redis-cert", cert, "--redis-key", key, "--redis-password-file", password],
  ]
  await using node = await startNode(args)
  await using client = await TestClient.connect(node.url)
  expect((await client.join("tea")).event).toBe("joined_room")
  const { stdout } = await runExecutable(["check-config", ...args])
  for (const place of [stdout, node.log()]) for (const word of [PASSWORD, "s3cret"]) expect(place).not.toContain(word)
  expect(stdout).toContain(`rediss://signaling:***@127.0.0.1:${tlsPort}`)

  const stats = await runExecutable(["stats", "--json", ...args])
  expect([stats.code, stats.stderr]).toEqual([0, ""])
  const doctor = await runExecutable(["doctor", ...args])
  expect(doctor.stdout).toContain(`ok   Redis 127.0.0.1:${tlsPort}: Redis`)

  const untrusted = await runExecutable([
    "doctor",
    ...args.filter((arg) => arg !== "--redis-ca" && arg !== certificate),
  ])
  expect(untrusted.stdout).toMatch(/BAD {2}Redis 127\.0\.0\.1:\d+: the certificate is signed by itself/)
  const unknown = await runExecutable(["doctor", ...args.slice(0, 6), "--redis-password-file", password])
  expect(unknown.stdout).toMatch(/BAD {2}Redis 127\.0\.0\.1/)
}, 60_000)

test("rediss:// to an address that is not in the certificate is refused", async () => {
  const elsewhere = makeCertificate({ name: "elsewhere.example" })
  const [cert, key] = [join(directory, "elsewhere.pem"), join(directory, "elsewhere-key.pem")]
  await Promise.all([Bun.write(cert, elsewhere.cert), Bun.write(key, elsewhere.key)])
  await redis.cli("CONFIG", "SET", "tls-cert-file", cert, "tls-key-file", key, "tls-auth-clients", "no")
  const url = `rediss://signaling:${encodeURIComponent(PASSWORD)}@127.0.0.1:${tlsPort}`
  const { stdout } = await runExecutable(["doctor", "--redis", url, "--redis-ca", cert])
  expect(stdout).toContain(`BAD  Redis 127.0.0.1:${tlsPort}: the certificate is for another name`)
}, 60_000)
