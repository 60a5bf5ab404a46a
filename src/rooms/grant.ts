// What whoever let a member in has to say of it: plain data that JSON can carry, as it goes with a membership to another
// node. Rooms heed the number of members and the end; what else is in it, dialects heed.

/** What a member may do besides being there. */
export type Right = "send" | "status" | "lock"

/** See the head of this file. What is not said is not restricted. */
export interface Grant {
  /** Who it is, whatever it calls itself. */
  readonly identity?: string | undefined
  /** Keys of its status that it cannot choose. */
  readonly status?: Readonly<Record<string, unknown>> | undefined
  /** Most members of the room with it, if that is less than the room may have. */
  readonly peers?: number | undefined
  /** When it has to go, unix milliseconds. */
  readonly until?: number | undefined
  /** All it may do. */
  readonly can?: readonly Right[] | undefined
  /** Where rooms send to each other: the names of those it may send to, or with `*` at the end how they begin. */
  readonly reach?: readonly string[] | undefined
}

/** Whether it may do this; nobody may lock a room unless it is said. */
export function may(grant: Grant | undefined, right: Right): boolean {
  return grant?.can === undefined ? right !== "lock" : grant.can.includes(right)
}

/** Whether a name is one of these, or begins as one of them that ends with `*`. */
export function isAmong(name: string, patterns: readonly string[]): boolean {
  return patterns.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : name === one))
}
