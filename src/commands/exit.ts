// How the program ends when it cannot do what it was asked.

/** Exit codes: 1, it could not start or failed; 2, it was started wrongly. */
export const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** Says why the program could not do it, in one line, and ends it. */
export function exitFailed(reason: string): never {
  console.error(`palava-machine: ${reason}`)
  process.exit(EXIT_FAILED)
}

/** Says what was wrong with how the program was started, a line each, and ends it. */
export function exitFor(mistakes: readonly string[]): never {
  for (const mistake of mistakes) console.error(`palava-machine: ${mistake}`)
  process.exit(EXIT_USAGE)
}
