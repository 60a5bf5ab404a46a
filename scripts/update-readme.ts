// Writes what is made from elsewhere into README.md and docs/operate.md, between its markers: the table of options, and the
// figures of the bench (`bun scripts/update-readme.ts`; `make bench` does it, too). A test compares.

import { join } from "node:path"
import { capacityTable, readmeFigures } from "../bench/report/figures.ts"
import { optionTable } from "../src/config/print.ts"

const ROOT = join(import.meta.dir, "..")
const RESULTS = join(ROOT, "bench/results")

/** What stands between `<!-- NAME -->` and `<!-- /NAME -->` in each file. */
export const PARTS = [
  { file: "README.md", name: "options", text: optionTable },
  { file: "README.md", name: "figures", text: () => readmeFigures(RESULTS) },
  { file: "docs/operate.md", name: "capacity", text: () => capacityTable(RESULTS) },
] as const

/** Writes each of them. */
export async function updateDocuments(): Promise<void> {
  for (const { file, name, text } of PARTS) {
    const path = join(ROOT, file)
    const whole = await Bun.file(path).text()
    await Bun.write(
      path,
      whole.replace(partOf(name), () => `<!-- ${name} -->\n${text()}\n<!-- /${name} -->`),
    )
  }
}

/** Finds such a part, its text in the first group. */
export function partOf(name: string): RegExp {
  return new RegExp(`<!-- ${name} -->\\n([\\s\\S]*?)\\n?<!-- /${name} -->`)
}

if (import.meta.main) await updateDocuments()
