// What led to a failure: the last lines of what happened, with names instead of ids.

/** 150 lines: some seconds, enough to see the fault and what it did. */
const LINES = 150

/** See the head of this file. */
export class Story {
  readonly #lines: string[] = []

  /** Keeps a line. */
  add(now: number, line: string): void {
    this.#lines.push(`${now.toFixed(1).padStart(9)} ${line}`)
    if (this.#lines.length > 2 * LINES) this.#lines.splice(0, LINES)
  }

  /** The story and its `end`, with each key of `names` replaced by its value. */
  tell(end: readonly string[], names: ReadonlyMap<string, string>): string {
    let text = [...this.#lines.slice(-LINES), "", ...end].join("\n")
    for (const [id, name] of names) text = text.replaceAll(id, name)
    return text
  }
}
