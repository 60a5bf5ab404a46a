// The executable as another version of it would be: the same sources with some texts replaced.

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const ROOT = join(import.meta.dir, "../..")

/** What is replaced in a file, by what. */
export type Edit = readonly [file: string, before: string, after: string]

/** Compiles it to `file`. */
export async function buildOther(file: string, edits: readonly Edit[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "palava-build-"))
  try {
    for (const name of ["src", "scripts", "dist/pages", "dist/client", "dist/scripts", "package.json", "docs"]) {
      cpSync(join(ROOT, name), join(folder, name), { recursive: true })
    }
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"))
    for (const [name, before, after] of edits) {
      const text = readFileSync(join(folder, name), "utf8")
      if (!text.includes(before)) throw new Error(`${name} has no ${before}`)
      writeFileSync(join(folder, name), text.replace(before, after))
    }
    const child = Bun.spawn(["scripts/compile.sh", file], { cwd: folder, stdout: "pipe", stderr: "pipe" })
    const [code, errors] = await Promise.all([child.exited, new Response(child.stderr).text()])
    if (code !== 0) throw new Error(errors)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
