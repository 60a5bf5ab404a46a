// Secrets in files: used as if they had been given, and shown nowhere.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, startNode, type TestNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"

const TURN_SECRET = "north-wind-4711"
const REDIS_PASSWORD = "sunken/with:@signs-4711"
const HOOK_SECRET = "hook-4711"

let folder: string
let redis: RedisServer
let args: string[]
let node: TestNode
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "palava-secrets-"))
  redis = await startRedis()
  await redis.cli("ACL", "SETUSER", "signaling", "on", `>${REDIS_PASSWORD}`, "~*", "&*", "+@all")
  // An hour that is over, to be exported to a place where nobody listens.
  const hour = Math.floor(Date.now() / 3_600_000) * 3600 - 3600
  await redis.cli("HSET", `palava:store:stats:room_peaks:${hour}`, "2", "1")
  await redis.cli("HSET", `store:stats:room_peaks:${hour}`, "2", "1")
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), `${text}\n`, { mode: 0o600 })
    return join(folder, name)
  }
  args = [
    ...["--turn-secret-file", file("turn", TURN_SECRET), "--ice-server", "turn:turn.example.org"],
    ...["--redis", `redis://signaling@127.0.0.1:${redis.port}`, "--redis-password-file", file("redis", REDIS_PASSWORD)],
    ...["--stats-export-url-file", file("hook", `http://me:${HOOK_SECRET}@127.0.0.1:9/${HOOK_SECRET}?${HOOK_SECRET}`)],
  ]
  node = await startNode(args)
})
afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

test("they are used", async () => {
  await using client = await TestClient.connect(node.url)
  const { turn_user: user, turn_password: password } = await client.join("tea")
  expect(password).toBe(createHmac("sha1", TURN_SECRET).update(String(user)).digest("base64"))
  expect(await redis.cli("CLIENT", "LIST")).toContain("user=signaling")
})

test("and shown nowhere: log, metrics, process list, check-config", async () => {
  await node.logged(/will be looked at again/)
  const { stdout, stderr } = await runExecutable(["check-config", ...args])
  const metrics = await (await fetch(`${node.adminUrl}metrics`)).text()
  const commandLine = readFileSync(`/proc/${node.pid}/cmdline`, "utf8")
  for (const text of [node.log(), metrics, commandLine, stdout, stderr])
    for (const secret of [TURN_SECRET, REDIS_PASSWORD, encodeURIComponent(REDIS_PASSWORD), HOOK_SECRET])
      expect(text).not.toContain(secret)
  expect(stdout).toContain('turn_secret = "***"  # --turn-secret-file')
  expect(stdout).toContain('stats_export = "http://127.0.0.1:9/***"  # --stats-export-url-file')
})

test("given twice is a mistake; empty, missing and wrong ones are a line each that does not show them", async () => {
  const [empty, wrong] = [join(folder, "empty"), join(folder, "wrong")]
  writeFileSync(empty, "\n", { mode: 0o600 })
  writeFileSync(wrong, `ftp://${HOOK_SECRET}/`, { mode: 0o600 })
  for (const [given, line] of [
    [["--turn-secret", "x", "--turn-secret-file", wrong], "--turn-secret and --turn-secret-file: give one of them"],
    [["--turn-secret-file", empty], `--turn-secret-file ${empty}: must hold at least 1 characters, but has 0`],
    [["--turn-secret-file", "/nowhere/x"], "--turn-secret-file /nowhere/x: no such file"],
    [["--stats-export-url-file", wrong], `--stats-export-url-file ${wrong}: must be a file or an http(s) URL`],
    [["--redis-password-file", wrong], "--redis-password-file: goes with --redis or --redis-cluster"],
    [
      ["--redis", "redis://:x@a", "--redis-password-file", wrong],
      "--redis-password-file: there is a password in the URL of Redis as well",
    ],
  ] as const) {
    const { code, stderr } = await runExecutable(["check-config", ...given])
    expect([code, stderr]).toEqual([2, `palava-machine: ${line}\n`])
  }
})
