// Log lines for people: what the JSON line says, as text on a terminal or in systemd's journal. What somebody else wrote
// (a plug-in, a browser's Origin) cannot end a line or steer a terminal.

/** A line of the log, read back from JSON. */
export interface LogLine {
  readonly level: string
  /** ISO 8601, UTC. */
  readonly time: string
  readonly msg: string
  readonly err?: { readonly stack?: string; readonly message?: string }
  readonly [field: string]: unknown
}

/** Syslog's priorities (sd-daemon(3)). */
const PRIORITIES: Readonly<Record<string, number>> = { debug: 7, info: 6, warn: 4, error: 3 }

/** What needs no quotes. */
const BARE = /^[\w.:/@*+-]+$/

/** As wide as the longest level, so that messages stand below each other. */
const LEVEL_WIDTH = 5

/** For a terminal: time, level, message and fields, and the stack of an error below. */
export function toText(line: LogLine): string {
  const [first, ...stack] = partsOf(line)
  return [`${line.time} ${line.level.padEnd(LEVEL_WIDTH)} ${first}`, ...stack, ""].join("\n")
}

/** For the journal, which knows the time: a priority before each line. */
export function toJournal(line: LogLine): string {
  const priority = priorityOf(line.level)
  return partsOf(line)
    .map((part) => `${priority}${part}\n`)
    .join("")
}

/** What stands before a line of that level in the journal. */
export function priorityOf(level: string): string {
  return `<${PRIORITIES[level] ?? PRIORITIES["error"]}>`
}

/** The line, and a line more for each of an error's stack. */
function partsOf({ level: _, time: __, msg, err, ...fields }: LogLine): string[] {
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${show(value)}`)
  const stack = err === undefined ? [] : (err.stack ?? err.message ?? JSON.stringify(err)).split("\n")
  return [[msg, ...shown].join("  "), ...stack.map((part) => `    ${part.trim()}`)].map(withoutControls)
}

function show(value: unknown): string {
  return typeof value === "string" && BARE.test(value) ? value : JSON.stringify(value)
}

function withoutControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => JSON.stringify(control).slice(1, -1))
}
