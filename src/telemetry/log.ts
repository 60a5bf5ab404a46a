// The logger: JSON lines on stderr, written at once. There is no line for a message or a connection above debug.

import pino from "pino"
import type { Log } from "../log.ts"

/** A logger that writes `level` and above; "silent" writes nothing. */
export function makeLog(level: string): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }))
}
