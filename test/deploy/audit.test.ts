// `make audit`, with an npm that answers as the real one does in each case.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const ROOT = join(import.meta.dir, "../..")

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "palava-audit-"))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs it with an npm that writes this to its output, and ends with 1 as npm does when it found something. */
function audit(answer: string): { code: number; lines: string[] } {
  const npm = join(folder, "npm")
  writeFileSync(npm, `#!/bin/sh\ncat <<'END'\n${answer}\nEND\nexit 1\n`)
  chmodSync(npm, 0o755)
  const { exitCode, stdout } = Bun.spawnSync([process.execPath, join(ROOT, "scripts/release/audit.ts")], {
    cwd: ROOT,
    env: { ...process.env, PATH: `${folder}:${process.env["PATH"]}` },
  })
  return { code: exitCode, lines: stdout.toString().trim().split("\n") }
}

const advisory = { title: "Reads what it should not", url: "https://github.com/advisories/GHSA-x" }
const licences = expect.stringMatching(/^licences: all \d+ parts of the executable have one of the list$/)

test("nothing known", () => {
  expect(audit('{"vulnerabilities":{}}')).toEqual({
    code: 0,
    lines: [licences, "vulnerabilities: none known in what is compiled into the executable"],
  })
})

test("a part of the executable, and what only tests it", () => {
  const vulnerabilities = {
    pino: { severity: "high", via: [advisory] },
    redis: { severity: "moderate", via: ["@redis/client"] },
    "socket.io-client": { severity: "critical", via: [advisory] },
  }
  expect(audit(JSON.stringify({ vulnerabilities }))).toEqual({
    code: 1,
    lines: [
      licences,
      "pino: high: Reads what it should not https://github.com/advisories/GHSA-x",
      "redis: moderate: by @redis/client",
      expect.stringMatching(/^\(only develops or tests it\) socket\.io-client: critical: /),
    ],
  })
  const tests = { "socket.io-client": vulnerabilities["socket.io-client"] }
  expect(audit(JSON.stringify({ vulnerabilities: tests })).code).toBe(0)
})

test("a registry that does not answer is told of, and is no success", () => {
  for (const [answer, reason] of [
    ['{"message":"405 Method Not Allowed","statusCode":405}', "405 Method Not Allowed"],
    ["", "npm ended with 1 and said nothing"],
    ["{}", "its answer has no vulnerabilities in it"],
  ] as const) {
    expect(audit(answer)).toEqual({
      code: 2,
      lines: [licences, `vulnerabilities: not known, as npm's registry could not be asked: ${reason}`],
    })
  }
})
