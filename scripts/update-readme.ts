// Writes the table of options into README.md, between its markers: `bun scripts/update-readme.ts`. A test compares.

import { join } from "node:path"
import { optionTable } from "../src/config/print.ts"

const README = join(import.meta.dir, "../README.md")

const text = await Bun.file(README).text()
const table = `<!-- options -->\n${optionTable()}\n<!-- /options -->`
await Bun.write(
  README,
  text.replace(/<!-- options -->[\s\S]*?<!-- \/options -->/, () => table),
)
