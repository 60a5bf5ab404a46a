// What an option of the program is: how its text is read, what it is by default, and how it is told.

import type { FromText } from "./values.ts"

/** One option that takes a value. */
export interface Option<T = unknown> {
  readonly schema: FromText<T>
  readonly default: NoInfer<T>
  /** What stands for the value in --help. */
  readonly value: string
  readonly help: string
  /** May be given several times; the value is a list. */
  readonly isList?: boolean
  /** How a value that may hold a secret is printed; such a value is in no message. */
  readonly shown?: (value: string) => string
  /** The value names a file with a secret of at least so many characters, in place of the option `standsFor`, if any. */
  readonly secretLetters?: number
  readonly standsFor?: string
  /** Shown in place of the default where that is not a fixed value. */
  readonly defaultText?: string
}

/** One option. */
export function option<T>(one: Option<T>): Option<T> {
  return one
}

/** One that may be given several times. */
export function list<T>(one: Omit<Option<T>, "default">): Option<readonly T[]> {
  return { ...one, default: [], isList: true } as unknown as Option<readonly T[]>
}
