// Writes what is made from the list of options into a folder: `bun scripts/documents/write.ts FOLDER [YYYY-MM-DD]`.

import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { version } from "../../package.json" with { type: "json" }
import { bashCompletion, zshCompletion } from "./completions.ts"
import { manPage } from "./man.ts"
import { configFile } from "./toml.ts"

/** File names as they are in a release. */
export const DOCUMENTS = ["palava-machine.toml", "palava-machine.1", "palava-machine.bash", "_palava-machine"] as const

/** Writes them all into `folder`; `date` (YYYY-MM-DD) stands in the manual page. */
export async function writeDocuments(folder: string, date: string): Promise<void> {
  const texts: Record<(typeof DOCUMENTS)[number], string> = {
    "palava-machine.toml": configFile(),
    "palava-machine.1": manPage(version, date),
    "palava-machine.bash": bashCompletion(),
    "_palava-machine": zshCompletion(),
  }
  await mkdir(folder, { recursive: true })
  for (const name of DOCUMENTS) await writeFile(join(folder, name), texts[name])
}

if (import.meta.main) {
  const [folder, date = new Date().toISOString().slice(0, 10)] = process.argv.slice(2)
  if (folder === undefined) throw new Error("usage: bun scripts/documents/write.ts FOLDER [YYYY-MM-DD]")
  await writeDocuments(folder, date)
}
