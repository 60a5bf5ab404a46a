// How a node gets into Redis: TLS, user and password, a prefix of its own; and what it says when it may not.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
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
      ...["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
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
