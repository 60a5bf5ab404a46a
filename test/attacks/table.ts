// The figures of attacks as the table in docs/attacks.md, and as lines for who runs them.

import { readFileSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"
import type { Outcome } from "./attack.ts"

const PAGE = join(import.meta.dir, "../../docs/attacks.md")

/** Around what is written. */
const BEGIN = "<!-- figures: written by make attacks -->\n"
const END = "<!-- end of figures -->"

/** The columns, by what is in them. */
const COLUMNS: Readonly<Record<string, (outcome: Outcome) => string | number>> = {
  attack: ({ attack }) => attack,
  lost: ({ wrong }) => wrong.length,
  p50: ({ p50 }) => ms(p50),
  p99: ({ p99 }) => ms(p99),
  worst: ({ worst }) => ms(worst),
  "quiet p99": ({ quietP99 }) => ms(quietP99),
  "loop lag up to": ({ lagMs }) => `${lagMs} ms`,
  CPU: ({ cpu }) => percent(cpu),
  waited: ({ waited }) => percent(waited),
  idle: ({ idle }) => percent(idle),
  "memory before, most, after": ({ rss: { before, most, after } }) =>
    `${[before, most, after].map((megabytes) => megabytes.toFixed(0)).join(", ")} MB`,
  refusals: ({ refused }) => refused,
}

/** One outcome, for people. */
export function summaryOf(outcome: Outcome): string {
  return Object.entries(COLUMNS)
    .map(([column, of]) => `${column} ${of(outcome)}`)
    .join(", ")
}

/** Puts them in place of those that are there; rows of attacks that were not carried out stay. */
export function writeTable(outcomes: readonly Outcome[]): void {
  const page = readFileSync(PAGE, "utf8")
  const [before = "", rest = ""] = page.split(BEGIN)
  const [written = "", after = "\n"] = rest.split(END)
  const rows = new Map(written.split("\n").flatMap((line) => (line.startsWith("| ") ? [[nameOf(line), line]] : [])))
  for (const outcome of outcomes) rows.set(outcome.attack, toLine(Object.values(COLUMNS).map((of) => of(outcome))))
  const names = Object.keys(COLUMNS)
  rows.set("attack", toLine(names))
  rows.set("---", toLine(names.map(() => "---")))
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${new Date().toISOString().slice(0, 10)}`
  writeFileSync(PAGE, `${before}${BEGIN}\n${machine}\n\n${[...rows.values()].join("\n")}\n\n${END}${after}`)
}

function toLine(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`
}

function nameOf(line: string): string {
  return line.split(" | ")[0]?.slice(2) ?? ""
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}
