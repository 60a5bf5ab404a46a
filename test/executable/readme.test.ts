// The example in README that opens the server to the internet: as somebody would paste it, with a certificate of the test's.

import { expect, test } from "bun:test"
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeCertificate } from "../helpers/certificate.ts"

const ROOT = join(import.meta.dir, "../..")

test("the example that opens it to the internet is a good configuration, and its token is one", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8")
  const [, script = ""] = /<!-- open to the internet -->\n```sh\n([\s\S]*?)```/.exec(readme) ?? []
  expect(script).toContain("--auth-secret-file")
  const folder = mkdtempSync(join(tmpdir(), "palava-readme-"))
  try {
    const { cert, key } = makeCertificate({ name: "call.example.org" })
    writeFileSync(join(folder, "fullchain.pem"), cert)
    writeFileSync(join(folder, "privkey.pem"), key, { mode: 0o600 })
    // The server itself is not started, but looked at.
    const command = join(folder, "palava-machine")
    const executable = join(ROOT, "dist/palava-machine")
    writeFileSync(
      command,
      `#!/bin/sh\n[ "$1" = token ] && exec ${executable} "$@"\nexec ${executable} check-config "$@"\n`,
    )
    chmodSync(command, 0o755)
    const { exitCode, stdout, stderr } = Bun.spawnSync(["sh", "-ec", script], {
      cwd: folder,
      env: { PATH: `${folder}:${process.env["PATH"]}` },
    })
    expect([exitCode, stderr.toString()]).toEqual([0, ""])
    const lines = stdout.toString().trim().split("\n")
    expect(lines).toContain('auth_secret = "***"  # --auth-secret-file auth-secret')
    expect(lines.at(-1)).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
