// Keeps some of the open files a process may have free for what is no client: Redis, the operators' listener, files. A
// socket takes one from the moment it is accepted, long before it says what it wants, and Bun knows no limit for those: a
// machine that only connects, or that never ends its request, would take all. When few are left, sockets that nothing
// was ever sent to go, for an HTTP request is answered and a WebSocket greeted within moments.

import { closeSync, openSync } from "node:fs"
import { TcpSockets } from "./tcp-sockets.ts"

/** 250 ms: at 2,000 new sockets a second, 500 come between two looks, half of what is kept back where many may be open. */
const LOOK_MS = 250

/** 1 s without a byte from the client, ms: a request that is being sent is not cut in two. */
const SILENT_MS = 1_000

/** What is looked after. */
export interface OpenFilesParts {
  /** Most files that may be open; 0 is no limit. */
  readonly limit: number
  /** How many of them are to be free. */
  readonly reserved: number
  /** Told of each socket that was ended. */
  readonly onEnded: () => void
}

/** Begins to look after them, where the system is known. @returns what ends it */
export function guardOpenFiles({ limit, reserved, onEnded }: OpenFilesParts): () => void {
  const sockets = TcpSockets.open()
  if (sockets === undefined || limit === 0) return () => {}
  let isLooking = false
  const look = async (silentMs: number): Promise<void> => {
    isLooking = true
    await sockets.each(limit, (file) => {
      if (sockets.isServed || sockets.silentMs < silentMs) return
      sockets.end(file)
      onEnded()
    })
    isLooking = false
  }
  const timer = setInterval(() => {
    const open = openFilesAtLeast()
    if (isLooking || open < limit - reserved / 2) return
    // With none left nobody can be served at all: then who has just come goes as well.
    look(open === Number.POSITIVE_INFINITY ? 0 : SILENT_MS)
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** A file gets the lowest number that is free, so there are as many below it; Infinity when there is none. */
function openFilesAtLeast(): number {
  try {
    const file = openSync("/dev/null", "r")
    closeSync(file)
    return file
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
