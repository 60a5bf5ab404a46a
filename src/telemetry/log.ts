// The logger: one line on stderr for each thing that happened to the server, written at once. There is no line for a
// message or a connection above debug. How a line looks for people is in lines.ts.

import { fstatSync } from "node:fs"
import pino from "pino"
import type { Log } from "../log.ts"
import { type LogLine, toJournal, toText } from "./lines.ts"

/** Of --log-format. */
export type LogFormat = "auto" | "json" | "text"

/** A logger whose level can be changed while it is in use. */
export interface LevelledLog extends Log {
  /** The lowest level that is written; "silent" writes nothing. */
  level: string
}

const STDERR = 2

/** Writes nothing, for commands that are no server. */
export const SILENT: Log = { error() {}, warn() {}, info() {}, debug() {} }

/**
 * A logger that writes `level` and above, with the fields of `everywhere` in each line. "auto" is text on a terminal and under systemd, else JSON lines. Text has the
 * priorities of sd-daemon(3) in place of the time where it goes to the journal, which keeps both for itself.
 */
export function makeLog(
  level: string,
  format: LogFormat,
  env: Readonly<Record<string, string | undefined>>,
  everywhere: object | null = null,
): LevelledLog {
  const isJournal = isJournalStream(env["JOURNAL_STREAM"])
  const destination = pino.destination({ fd: STDERR, sync: true })
  const isText = format === "text" || (format === "auto" && (isJournal || process.stderr.isTTY === true))
  const show = isJournal ? toJournal : toText
  const lines = { write: (line: string) => void destination.write(show(JSON.parse(line) as LogLine)) }
  const options = {
    level,
    base: everywhere,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (name: string) => ({ level: name }) },
  }
  return pino(options, isText ? lines : destination)
}

/** Changes the level of a log, and says so in it, whatever both levels are. */
export function changeLevel(log: LevelledLog, to: string, fields: object): void {
  log.level = "debug"
  log.info({ ...fields, to }, "log level changed")
  log.level = to
}

/** Whether stderr itself is what systemd connected to its journal, and no file that a shell put in its place (systemd.exec(5)). */
export function isJournalStream(deviceAndInode: string | undefined): boolean {
  if (deviceAndInode === undefined) return false
  const { dev, ino } = fstatSync(STDERR)
  return deviceAndInode === `${dev}:${ino}`
}
