// Who is answered at the administration listener: by which names, from which pages, with which token.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { runExecutable, startNode, type TestNode } from "../helpers/node.ts"

const TOKEN = "0123456789abcdef0123456789abcdef"

let folder: string
let tokenFile: string
let open: TestNode
let guarded: TestNode
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "palava-admin-"))
  tokenFile = join(folder, "token")
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
  ;[open, guarded] = await Promise.all([
    startNode(["--admin-host", "ops.example.org"]),
    startNode(["--admin-token-file", tokenFile]),
  ])
})
afterAll(async () => {
  await Promise.all([open[Symbol.asyncDispose](), guarded[Symbol.asyncDispose]()])
  rmSync(folder, { recursive: true })
})

/** The status of an answer. */
async function ask(node: TestNode, path: string, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(`${node.adminUrl}${path}`, { headers })
  await response.text()
  return response.status
}

test("it answers to addresses, localhost, this machine's name and those given, and to no other", async () => {
  const own = ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:4234", "10.1.2.3", hostname(), "ops.example.org:4234"]
  for (const host of own) expect([host, await ask(open, "metrics", { host })]).toEqual([host, 200])
  for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:4234"])
    expect([host, await ask(open, "metrics", { host })]).toEqual([host, 421])
})

test("probes may come by any name", async () => {
  expect(await ask(open, "healthz", { host: "evil.example" })).toBe(200)
  expect(await ask(open, "readyz", { host: "evil.example" })).toBe(200)
})

test("pages of other origins are not answered", async () => {
  const { host } = new URL(open.adminUrl)
  expect(await ask(open, "stats", { origin: `http://${host}` })).toBe(200)
  for (const origin of ["http://evil.example", "null", `http://127.0.0.1:${open.port}`])
    expect([origin, await ask(open, "stats", { origin })]).toEqual([origin, 403])
})

test("without its token nothing is told but health", async () => {
  const basic = (password: string) => `Basic ${Buffer.from(`anybody:${password}`).toString("base64")}`
  for (const authorization of [`Bearer ${TOKEN}`, `bearer  ${TOKEN}`, basic(TOKEN)])
    expect([authorization, await ask(guarded, "metrics", { authorization })]).toEqual([authorization, 200])
  const wrong = ["", TOKEN, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, "Bearer", "Bearer ", basic(""), "Basic ???"]
  for (const authorization of wrong)
    expect([authorization, await ask(guarded, "metrics", { authorization })]).toEqual([authorization, 401])
  const refused = await fetch(`${guarded.adminUrl}stats.html`)
  expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, expect.stringContaining("Bearer")])
  expect(await ask(guarded, "nowhere")).toBe(401)
  expect([await ask(guarded, "healthz"), await ask(guarded, "readyz")]).toEqual([200, 200])
  expect(`${guarded.log()}`).not.toContain(TOKEN)
})

test("the commands bring the token", async () => {
  const address = ["--admin-listen", new URL(guarded.adminUrl).host]
  const stats = await runExecutable(["stats", "--json", ...address, "--admin-token-file", tokenFile])
  expect([stats.code, stats.stderr]).toEqual([0, ""])
  const refused = await runExecutable(["stats", "--json", ...address])
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("answered 401")])
})

test("a token is long, and in a file of one's own", async () => {
  const short = join(folder, "short")
  writeFileSync(short, "secret\n", { mode: 0o600 })
  const refused = await runExecutable(["check-config", "--admin-token-file", short])
  expect(refused).toEqual({
    code: 2,
    stdout: "",
    stderr: `palava-machine: --admin-token-file ${short}: must hold at least 16 characters, but has 6\n`,
  })
  const shared = join(folder, "shared")
  writeFileSync(shared, TOKEN)
  chmodSync(shared, 0o644)
  const warned = await runExecutable(["check-config", "--admin-token-file", shared])
  expect(warned.code).toBe(0)
  expect(warned.stderr).toBe(`palava-machine: warning: ${shared}: others may read this secret (mode 644): chmod 600\n`)
  expect(warned.stdout).not.toContain(TOKEN)
})

test("one of systemd's credentials is named by its folder, and no permission of it is odd", async () => {
  const credential = join(folder, "credential")
  writeFileSync(credential, TOKEN, { mode: 0o640 })
  const args = ["check-config", "--admin-token-file", "$CREDENTIALS_DIRECTORY/credential"]
  const good = await runExecutable(args, { CREDENTIALS_DIRECTORY: folder })
  expect([good.code, good.stderr]).toEqual([0, ""])
  const none = await runExecutable(args)
  expect(none.stderr).toBe(
    "palava-machine: --admin-token-file $CREDENTIALS_DIRECTORY/credential: no such file (systemd puts it there while the service runs)\n",
  )
})
