// The figures of attacks as the table in docs/attacks.md.

import { readFileSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"
import type { Outcome } from "./attack.ts"

const PAGE = join(import.meta.dir, "../../docs/attacks.md")

/** Around what is written. */
const BEGIN = "<!-- figures: written by make attacks -->\n"
const END = "<!-- end of figures -->"

const HEAD =
  "| attack | lost | p50 | p99 | quiet p99 | loop lag up to | CPU | idle | memory before, most, after | refusals |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"

/** Puts them in place of those that are there. */
export function writeTable(outcomes: readonly Outcome[]): void {
  const page = readFileSync(PAGE, "utf8")
  const [before = "", rest = ""] = page.split(BEGIN)
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${new Date().toISOString().slice(0, 10)}`
  const table = HEAD + outcomes.map(toRow).join("")
  writeFileSync(PAGE, `${before}${BEGIN}\n${machine}\n\n${table}\n${END}${rest.split(END)[1] ?? "\n"}`)
}

function toRow({ attack, wrong, p50, p99, quietP99, lagMs, cpu, idle, rss, refused }: Outcome): string {
  const ms = (value: number): string => `${value.toFixed(1)} ms`
  const memory = [rss.before, rss.most, rss.after].map((megabytes) => megabytes.toFixed(0)).join(", ")
  const cells = [
    attack,
    wrong.length,
    ms(p50),
    ms(p99),
    ms(quietP99),
    `${lagMs} ms`,
    `${(cpu * 100).toFixed(0)} %`,
    `${(idle * 100).toFixed(0)} %`,
    `${memory} MB`,
    refused,
  ]
  return `| ${cells.join(" | ")} |\n`
}
