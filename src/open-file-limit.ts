// How many files this process may have open, sockets among them.

import { readFileSync } from "node:fs"

/** The soft limit, 0 for none; undefined where there is no /proc. */
export function openFileLimit(): number | undefined {
  try {
    const [, soft = ""] = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? []
    return soft === "unlimited" ? 0 : Number(soft)
  } catch {
    return undefined
  }
}
