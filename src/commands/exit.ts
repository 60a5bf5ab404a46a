// How the program ends when it cannot do what it was asked, and what it says of how it was started.

import { priorityOf } from "../telemetry/lines.ts"
import { isJournalStream } from "../telemetry/log.ts"

/** Exit codes: 1, it could not start or failed; 2, it was started wrongly. */
export const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** Says why the program could not do it, in one line, and ends it. */
export function exitFailed(reason: string): never {
  complain("error", reason)
  process.exit(EXIT_FAILED)
}

/** Says what was wrong with how the program was started, a line each, and ends it. */
export function exitFor(mistakes: readonly string[]): never {
  for (const mistake of mistakes) complain("error", mistake)
  process.exit(EXIT_USAGE)
}

/** A line on stderr about how the program was started, with its priority where systemd's journal reads it. */
export function complain(level: "error" | "warn", what: string): void {
  const priority = isJournalStream(process.env["JOURNAL_STREAM"]) ? priorityOf(level) : ""
  console.error(`${priority}palava-machine: ${what}`)
}
