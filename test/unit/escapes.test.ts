// Which escapes are plain: what the WebAssembly says is what a look at each character says, and it is made of the text
// beside it.

import { expect, test } from "bun:test"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import * as fc from "fast-check"
import { hasPlainEscapes, MODULE } from "../../src/dialects/escapes.ts"

const SEED = Number(process.env["SEED"] ?? Date.now() % 2 ** 31)
console.log(`escapes: SEED=${SEED}`)

/** The same, one character at a time. */
function isPlain(text: string): boolean {
  return Array.from(text).every(
    (character, at, all) => character >= " " && (character !== "\\" || "bfnrt/".includes(all[at + 1] ?? "no")),
  )
}

test("the bytes are what wat2wasm makes of escapes.wat", async () => {
  const folder = await mkdtemp(join(tmpdir(), "palava-machine-wat-"))
  try {
    const file = join(folder, "escapes.wasm")
    const source = resolve(import.meta.dir, "../../src/dialects/escapes.wat")
    expect(Bun.spawnSync(["wat2wasm", source, "-o", file]).exitCode).toBe(0)
    expect((await readFile(file)).toString("base64")).toBe(MODULE.toString("base64"))
  } finally {
    await rm(folder, { recursive: true })
  }
})

test("texts with plain and other escapes, of all lengths", () => {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("\\r\\n", "\\/", "\\b", "\\f", "\\t", "a=mid:0", "ü", "🙂", " ") },
    {
      weight: 1,
      arbitrary: fc.constantFrom("\\", '\\"', "\\\\", "\\u0041", "\\x", "\\Ů", "\n", "\u0000", "\u001f", "\u007f"),
    },
  )
  const texts = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""))
  fc.assert(
    fc.property(texts, (text) => {
      expect([text, hasPlainEscapes(text)]).toEqual([text, isPlain(text)])
    }),
    { seed: SEED, numRuns: 10_000 },
  )
})

test("one wrong place, wherever it is, and nothing of the text before", () => {
  const plain = "\\r\\n".repeat(20)
  for (let length = 0; length <= plain.length; length += 2) {
    const text = plain.slice(0, length)
    expect(hasPlainEscapes(`${text}\\`)).toBe(false)
    expect(hasPlainEscapes(text)).toBe(true)
    expect(hasPlainEscapes(`${text}\n${text}`)).toBe(false)
    expect(hasPlainEscapes(`${text}\\q${text}`)).toBe(false)
  }
})

test("what is longer than it can look at is no", () => {
  const most = 131_072 - 32
  for (const character of ["a", "ü"]) {
    const text = character.repeat(most / Buffer.byteLength(character))
    expect(hasPlainEscapes(text)).toBe(true)
    expect(hasPlainEscapes(`${text}a`)).toBe(false)
  }
})
