// What a whole run of tests came to: its failures once more, short, and then `N passed, N failed`. Continuous
// integration keeps only the end of a run's output, so whatever failed has to be named there.
//
// scripts/test.sh calls it with a folder that holds, for each command it ran, NAME.log (what it said) and NAME.status
// (how it ended). Ends with status 1 when anything failed.

import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** One command that ran: its name, what it said, and its exit status. */
export interface Run {
  readonly name: string
  readonly text: string
  readonly status: number
}

/** Something that failed: where and what in a line, then what was said about it. */
interface Failure {
  readonly title: string
  readonly detail: readonly string[]
}

/** 11 lines of detail under a title: an error, what was expected and got, and where. */
const MOST_DETAIL_LINES = 11

/** 44 lines in all: continuous integration shows 60, and a line may be broken in two. */
const MOST_LINES = 44

/** 24 titles, so that there is room for what is said about the first of them. */
const MOST_TITLES = 24

/** 200 characters of a line: an error may hold a whole page. */
const MOST_CHARACTERS = 200

const isError = (line: string): boolean => /^\s*(\w*[eE]rror:|error TS|# Unhandled)/.test(line)
const isPlace = (line: string): boolean => /^\s+at .*\.ts:\d+/.test(line)

/** The error said last before a test failed: from its first line, and at the end the line of the test it came from. */
const errorOf = (said: readonly string[]): string[] => {
  const lines = said.filter((line) => line.trim() !== "")
  const start = lines.findIndex(isError)
  const error = start < 0 ? lines.slice(-MOST_DETAIL_LINES) : lines.slice(start)
  if (error.length <= MOST_DETAIL_LINES) return error
  const place = error.findLast((line) => isPlace(line) && line.includes("/test/")) ?? error.findLast(isPlace)
  const head = error.slice(0, MOST_DETAIL_LINES - 1)
  return place === undefined || head.includes(place) ? head : [...head, place]
}

/** The failures in what `bun test` said. It repeats them at its end without their errors: that part is left out. */
const failuresOf = (text: string): Failure[] => {
  const failures: Failure[] = []
  const [body = ""] = text.split(/^\d+ tests? failed:$/m)
  let file = ""
  let said: string[] = []
  let between = false
  for (const line of body.split("\n")) {
    const [, opened] = /^(\S+\.test\.ts):$/.exec(line) ?? []
    if (opened !== undefined) {
      file = opened
      said = []
    } else if (line.startsWith("# Unhandled error between tests")) {
      said = []
      between = true
    } else if (between && line.startsWith("-----") && said.length > 0) {
      failures.push({ title: `${file}: an error outside of its tests`, detail: errorOf(said) })
      said = []
      between = false
    } else if (line.startsWith("(fail) ")) {
      failures.push({ title: `${file}: ${line.slice("(fail) ".length)}`, detail: errorOf(said) })
      said = []
    } else if (line.startsWith("(pass) ") || line.startsWith("(skip) ") || line.startsWith("(todo) ")) said = []
    else if (line.startsWith("  ^ ") && said.length === 0) {
      const last = failures.pop()
      if (last !== undefined) failures.push({ ...last, detail: [line, ...last.detail].slice(0, MOST_DETAIL_LINES) })
    } else if (!between || !line.startsWith("-----")) said.push(line)
  }
  return failures
}

const sum = (text: string, word: string): number =>
  [...text.matchAll(new RegExp(`^ *(\\d+) ${word}$`, "gm"))].reduce((all, [, count]) => all + Number(count), 0)

/** What no failed test explains: a runner that ended badly, or a command that is none of `bun test`. */
const endOf = ({ name, text, status }: Run): Failure => {
  const lines = text.split("\n").filter((line) => line.trim() !== "")
  const told = lines.filter((line) => /error TS|━━|✖|×|\berror:/.test(line))
  const last = lines.findLast((line) => /^\S+\.test\.ts:$/.test(line))
  const where = last === undefined ? "" : `, in or after ${last.slice(0, -1)}`
  return { title: `${name}: ended with status ${status}${where}`, detail: [...told.slice(0, 5), ...lines.slice(-6)] }
}

/** All failures of the runs in at most MOST_LINES lines: as many titles as fit, then details while they do. */
const shown = (failures: readonly Failure[]): string[] => {
  const titled = failures.slice(0, MOST_TITLES)
  let left = MOST_LINES - titled.length - 1
  const lines = titled.flatMap(({ title, detail }) => {
    const some = detail.slice(0, Math.max(0, Math.min(MOST_DETAIL_LINES, left)))
    left -= some.length
    return [`FAILED ${title}`, ...some.map((line) => `    ${line}`)]
  })
  if (failures.length > titled.length) lines.push(`and ${failures.length - titled.length} more`)
  return lines.map((line) => line.slice(0, MOST_CHARACTERS))
}

/** The lines that close a run of tests, and how many passed and failed. */
export const summary = (runs: readonly Run[]): { lines: string[]; passed: number; failed: number } => {
  const failures: Failure[] = []
  let passed = 0
  let failed = 0
  for (const run of runs) {
    const named = failuresOf(run.text)
    const isExplained = run.status === 0 || (named.length > 0 && /^Ran \d+ tests/m.test(run.text))
    const all = isExplained ? named : [...named, endOf(run)]
    failures.push(...all)
    passed += sum(run.text, "pass")
    failed += Math.max(sum(run.text, "fail"), all.length)
  }
  return { lines: [...shown(failures), `${passed} passed, ${failed} failed`], passed, failed }
}

if (import.meta.main) {
  const folder = process.argv[2] ?? "."
  const runs = readdirSync(folder)
    .filter((name) => name.endsWith(".log"))
    .sort()
    .map((name): Run => {
      const path = join(folder, name)
      const status = Number(readFileSync(path.replace(/log$/, "status"), "utf8"))
      return { name: name.slice(0, -".log".length), text: readFileSync(path, "utf8"), status }
    })
  const { lines, failed } = summary(runs)
  console.log(lines.join("\n"))
  process.exitCode = failed === 0 ? 0 : 1
}
