// docs/operate.md tells of every log line and close code there is, and of files that are there.

import { expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { CLOSE } from "../../src/connections/close.ts"

const ROOT = join(import.meta.dir, "../..")
const text = readFileSync(join(ROOT, "docs/operate.md"), "utf8")

/** The messages that src logs above debug; those of bugs share one line in the table. */
function messages(): string[] {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  )
  return files.flatMap((path) => {
    const source = readFileSync(join(ROOT, "src", path), "utf8")
    const calls = source.matchAll(/\blog\.(?:info|warn|error)\(\s*(?:\{[^}]*\},\s*)?(?:"([^"]+)"|`([^`]+)`)/g)
    return [...calls]
      .map(([, plain, template]) => plain ?? template ?? "")
      .filter((message) => !message.startsWith("bug: "))
  })
}

test("every log line is told of", () => {
  const found = messages()
  expect(found.length).toBeGreaterThan(5)
  for (const message of found) {
    const shown = message.replaceAll(/\$\{plugin\.name\}/g, "NAME").replaceAll(/\$\{hook\}/g, "HOOK")
    expect(text).toContain(`| \`${shown}\` |`)
  }
})

test("every close code is told of", () => {
  for (const { code } of Object.values(CLOSE)) expect(text).toMatch(new RegExp(`^\\| (\\d+, )?${code}[ ,]`, "m"))
})

test("files it points to are there", () => {
  for (const name of ["operate.md", "metrics.md", "security.md", "access.md", "admin.md", "attacks.md"]) {
    const page = readFileSync(join(ROOT, "docs", name), "utf8")
    for (const [, path = ""] of page.matchAll(/\]\(([^)#:]+)(?:#[\w-]+)?\)/g)) {
      expect([path, existsSync(join(ROOT, "docs", path))]).toEqual([path, true])
    }
  }
})
