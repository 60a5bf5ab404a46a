// `make audit`: whether what is compiled into the executable has known vulnerabilities, as npm's registry knows them, and
// whether each part has a licence the whole can be given away under. What only develops or tests it is named, no more.
// Exit code 1 when something was found, 2 when the registry could not be asked.

import { type Component, components } from "./sbom.ts"

/** Licences (SPDX) whose terms a copy of the licence text with the release fulfils. */
const LICENSES: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "OFL-1.1",
  "Unlicense",
])

/** 60 s: the registry answers within seconds, or not at all. */
const PATIENCE_MS = 60_000

/** What `npm audit --json` says, of which only this is looked at. */
interface Report {
  readonly message?: string
  readonly vulnerabilities?: Readonly<Record<string, Vulnerable>>
}

/** A package with advisories of its own, or by a package it needs (then only their names). */
interface Vulnerable {
  readonly severity: string
  readonly via: readonly (string | { readonly title: string; readonly url: string })[]
}

/** A line for each part without a licence of the list. */
function oddLicenses(parts: readonly Component[]): string[] {
  return parts
    .filter(({ license }) => !LICENSES.has(license))
    .map(({ name, version, license }) => `${name} ${version}: its licence ${license} is not on the list`)
}

/** What the registry knows; a text is why it could not be asked. */
function askRegistry(): Report["vulnerabilities"] | string {
  const { stdout, stderr, exitCode } = Bun.spawnSync(["npm", "audit", "--json"], {
    stdout: "pipe",
    stderr: "pipe",
    timeout: PATIENCE_MS,
  })
  try {
    const report = JSON.parse(stdout.toString()) as Report
    return report.vulnerabilities ?? report.message ?? "its answer has no vulnerabilities in it"
  } catch {
    return stderr.toString().split("\n")[0] || `npm ended with ${exitCode} and said nothing`
  }
}

/** A line for each package with advisories. */
function advisories(vulnerable: Readonly<Record<string, Vulnerable>>, isOurs: (name: string) => boolean): string[] {
  return Object.entries(vulnerable)
    .filter(([name]) => isOurs(name))
    .map(([name, { severity, via }]) => {
      const why = via.map((one) => (typeof one === "string" ? `by ${one}` : `${one.title} ${one.url}`))
      return `${name}: ${severity}: ${why.join("; ")}`
    })
}

const parts = components()
const names = new Set(parts.map(({ name }) => name))
const odd = oddLicenses(parts)
for (const line of odd) console.log(line)
if (odd.length === 0) console.log(`licences: all ${parts.length} parts of the executable have one of the list`)

const vulnerable = askRegistry()
if (vulnerable === undefined || typeof vulnerable === "string") {
  console.log(`vulnerabilities: not known, as npm's registry could not be asked: ${vulnerable}`)
  process.exit(odd.length > 0 ? 1 : 2)
}
const ours = advisories(vulnerable, (name) => names.has(name))
for (const line of ours) console.log(line)
if (ours.length === 0) console.log("vulnerabilities: none known in what is compiled into the executable")
const others = advisories(vulnerable, (name) => !names.has(name))
for (const line of others) console.log(`(only develops or tests it) ${line}`)
process.exit(odd.length + ours.length > 0 ? 1 : 0)
