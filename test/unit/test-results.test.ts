// What a run of tests shows at its end, where continuous integration looks: real runs of `bun test` over tests that
// fail in every way there is.

import { expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Run, summary } from "../../scripts/test-results.ts"

const IMPORT = `import { expect, test, describe } from "bun:test"`

/** Runs `bun test` over such files in a folder of their own. */
const runOf = (name: string, files: Record<string, string>): Run => {
  const folder = mkdtempSync(join(tmpdir(), "palava-results-"))
  try {
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), `${IMPORT}\n${text}\n`)
    const paths = Object.keys(files).map((file) => `./${file}`)
    const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, "test", ...paths], { cwd: folder })
    return { name, text: `${stdout}${stderr}`, status: exitCode }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const titlesOf = (lines: readonly string[]): string[] =>
  lines.filter((line) => line.startsWith("FAILED ")).map((line) => line.replace(/ \[[\d.]+ms\]$/, ""))

test("each test that failed, by file and name, with its error", () => {
  const many = Array.from({ length: 25 }, (_, index) => `test("fine ${index}", () => {})`).join("\n")
  const run = runOf("test_a_", {
    "a.test.ts": `${many}
      describe("a group", () => { test("differs", () => expect({ a: [1, 2] }).toEqual({ a: [1, 3] })) })
      test("never ends", () => new Promise(() => {}), 100)`,
    "b.test.ts": `test("fine", () => {}); test("throws", () => { console.log("some words"); throw new TypeError("boom") })`,
  })
  const { lines, passed, failed } = summary([run])
  expect([passed, failed]).toEqual([26, 3])
  expect(titlesOf(lines)).toEqual([
    "FAILED a.test.ts: a group > differs",
    "FAILED a.test.ts: never ends",
    "FAILED b.test.ts: throws",
  ])
  const text = lines.join("\n")
  expect(text).toContain("-     3,\n    +     2,")
  expect(text).toContain("^ this test timed out after 100ms.")
  expect(text).toMatch(/TypeError: boom\n {10}at .*b\.test\.ts:2/)
  expect(lines.at(-1)).toBe("26 passed, 3 failed")
})

test("a file that does not load, and one that fails outside of its tests", () => {
  const run = runOf("test_a_", {
    "a.test.ts": `import { gone } from "./gone.ts"; test("never", () => gone())`,
    "b.test.ts": `throw new Error("too early")`,
  })
  const { lines } = summary([run])
  expect(titlesOf(lines)).toEqual([
    "FAILED a.test.ts: an error outside of its tests",
    "FAILED b.test.ts: an error outside of its tests",
  ])
  expect(lines.join("\n")).toContain("Cannot find module './gone.ts'")
  expect(lines.join("\n")).toContain("too early")
})

test("a runner that ended in the middle, with a test that failed before or without one", () => {
  const exits = `test("first", () => {}); test("exits", () => process.exit(7))`
  const { lines, failed } = summary([
    runOf("test_a_", { "a.test.ts": exits }),
    runOf("test_b_", { "b.test.ts": `test("throws", () => { throw new Error("boom") })`, "c.test.ts": exits }),
  ])
  expect(titlesOf(lines)).toEqual([
    "FAILED test_a_: ended with status 7, in or after a.test.ts",
    "FAILED b.test.ts: throws",
    "FAILED test_b_: ended with status 7, in or after c.test.ts",
  ])
  expect(failed).toBe(3)
})

test("a command that is no test: what it said of errors, and its end", () => {
  const output = Array.from({ length: 40 }, (_, index) => `line ${index}`)
  const text = ["src/main.ts(3,5): error TS2322: no", ...output].join("\n")
  expect(summary([{ name: "check", text, status: 2 }]).lines).toEqual([
    "FAILED check: ended with status 2",
    "    src/main.ts(3,5): error TS2322: no",
    ...output.slice(-6).map((line) => `    ${line}`),
    "0 passed, 1 failed",
  ])
})

test("all passed: one line", () => {
  const run = runOf("test_a_", { "a.test.ts": `test("fine", () => {})` })
  expect(summary([run, { name: "check", text: "all well\n", status: 0 }]).lines).toEqual(["1 passed, 0 failed"])
})

test("however much failed, no more than 45 lines", () => {
  const tests = Array.from({ length: 60 }, (_, index) => `test("${index}", () => expect(${"1".repeat(2000)}).toBe(2))`)
  const { lines } = summary([runOf("test_a_", { "a.test.ts": tests.join("\n") })])
  expect(lines.length).toBeLessThanOrEqual(45)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(200)
  expect(lines.slice(-2)).toEqual(["and 36 more", "0 passed, 60 failed"])
})
