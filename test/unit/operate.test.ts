// docs/operate.md tells of every log line and close code there is, of no other, and of files that are there.

import { expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { CLOSE } from "../../src/connections/close.ts"

const ROOT = join(import.meta.dir, "../..")
const text = readFileSync(join(ROOT, "docs/operate.md"), "utf8")

/** What is logged, at which levels. */
type Lines = ReadonlyMap<string, ReadonlySet<string>>

/** Where the cluster's log is handed on to ours: its messages are found where they are made. */
const HANDED_ON = "fields, message)"

/** The log lines of src above debug; those of bugs share one. */
function linesOfSource(): Lines {
  const lines = new Map<string, Set<string>>()
  for (const path of readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })) {
    if (!path.endsWith(".ts") || /^(web|client)\//.test(path)) continue
    const source = readFileSync(join(ROOT, "src", path), "utf8")
    for (const { 0: call, 1: level = "", index } of source.matchAll(/\blog\.(info|warn|error)\(/g)) {
      const rest = source.slice(index + call.length)
      if (rest.startsWith(HANDED_ON)) continue
      const messages = textsAmongArguments(rest)
      expect([path, rest.slice(0, 100), messages.length > 0]).toEqual([path, rest.slice(0, 100), true])
      for (const text of messages) {
        const bugs = text.replace(/^bug: .*/, "bug: ...")
        const message = bugs.replace(/\$\{plugin\.name\}/, "NAME").replace(/\$\{hook\}/, "HOOK")
        lines.set(message, (lines.get(message) ?? new Set()).add(level))
      }
    }
  }
  return lines
}

/** The texts in the arguments of a call, but for those in objects; `source` begins behind its bracket. */
function textsAmongArguments(source: string): string[] {
  const texts: string[] = []
  let depth = 0
  for (const [token] of source.matchAll(/"[^"]*"|`[^`]*`|[^"`]/g)) {
    if ("([{".includes(token)) depth++
    if (")]}".includes(token)) depth--
    if (depth < 0) break
    if (depth === 0 && token.length > 1) texts.push(token.slice(1, -1))
  }
  return texts
}

/** The rows of the table that begins with such a head, a list of cells each. */
function table(head: string): string[][] {
  const [, rows = ""] = text.split(`\n${head}\n`)
  return (rows.split("\n\n")[0] ?? "")
    .split("\n")
    .slice(1)
    .map((row) => row.split(/ ?\| ?/).slice(1, -1))
}

test("the log lines it tells of are those there are, at their levels", () => {
  const told = new Map<string, Set<string>>()
  for (const [messages = "", levels = ""] of table("| message | level | what it means, and what to do |")) {
    const each = [...messages.matchAll(/`([^`]+)`/g)].map(([, message = ""]) => message)
    const at = levels.split(", ")
    // Messages of one row have a level each, or one for all.
    each.forEach((message, place) => {
      told.set(message, new Set(each.length === 1 ? at : [at[Math.min(place, at.length - 1)] ?? ""]))
    })
  }
  expect(sorted(told)).toEqual(sorted(linesOfSource()))
})

function sorted(lines: Lines): [string, string[]][] {
  return [...lines].map(([message, levels]): [string, string[]] => [message, [...levels].sort()]).sort()
}

test("the close codes it tells of are those there are, with their reasons", () => {
  const told = table("| code | reason | when | what to do |").flatMap(([codes = "", reasons = ""]) =>
    [...reasons.matchAll(/`([^`]+)`/g)].map(([, reason]) => `${codes}: ${reason}`),
  )
  const sent = Object.values(CLOSE).map(({ code, reason }) => `${code}: ${reason}`)
  expect(told.sort()).toEqual(sent.sort())
})

test("files it points to are there", () => {
  for (const name of ["operate.md", "metrics.md", "security.md", "access.md", "admin.md", "attacks.md"]) {
    const page = readFileSync(join(ROOT, "docs", name), "utf8")
    for (const [, path = ""] of page.matchAll(/\]\(([^)#:]+)(?:#[\w-]+)?\)/g)) {
      expect([path, existsSync(join(ROOT, "docs", path))]).toEqual([path, true])
    }
  }
})
