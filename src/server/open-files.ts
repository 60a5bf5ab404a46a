// Keeps some of the open files a process may have free for what is no client: Redis, the operators' listener, files. A
// socket takes one from the moment it is accepted, long before it says what it wants, and Bun knows no limit for those: a
// machine that only connects, or that never ends its request, would take all. When few are left, sockets that nothing
// was ever sent to go, for an HTTP request is answered and a WebSocket greeted within moments.

import { ptr } from "bun:ffi"
import { closeSync, openSync } from "node:fs"
import { openLibc } from "../libc.ts"

/** 250 ms: at 2,000 new sockets a second, 500 come between two looks, half of what is kept back where many may be open. */
const LOOK_MS = 250

/** 1 s without a byte from the client, ms: a request that is being sent is not cut in two. */
const SILENT_MS = 1_000

/** 4,000 sockets looked at in one go: some 2 ms. */
const SLICE_FILES = 4_000

/** From <netinet/tcp.h> of Linux: the option, two states, and where in struct tcp_info numbers of 32 bits are. */
const IPPROTO_TCP = 6
const TCP_INFO = 11
const ESTABLISHED = 1
const CLOSE_WAIT = 8
const INFO_BYTES = 160
const LAST_DATA_RECV_AT = 52
const DATA_SEGS_OUT_AT = 156

/** From <sys/socket.h>. */
const SHUT_RDWR = 2

/** The first file that is no standard stream. */
const FIRST_FILE = 3

/** What is looked after. */
export interface OpenFilesParts {
  /** Most files that may be open; 0 is no limit. */
  readonly limit: number
  /** How many of them are to be free. */
  readonly reserved: number
  /** Told of sockets that were ended, so many. */
  readonly onEnded: (count: number) => void
}

/** Begins to look after them, where the system is known. @returns what ends it */
export function guardOpenFiles({ limit, reserved, onEnded }: OpenFilesParts): () => void {
  const libc = openLibc()
  if (libc === undefined || limit === 0) return () => {}
  const info = new DataView(new ArrayBuffer(INFO_BYTES))
  const length = new Uint32Array(1)
  const [infoAt, lengthAt] = [ptr(info), ptr(length)]

  /** Whether nothing was ever sent to this socket, and nothing came for so long. */
  const isUnserved = (file: number, silentMs: number): boolean => {
    length[0] = INFO_BYTES
    if (libc.getsockopt(file, IPPROTO_TCP, TCP_INFO, infoAt, lengthAt) !== 0 || length[0] < INFO_BYTES) return false
    const state = info.getUint8(0)
    if (state !== ESTABLISHED && state !== CLOSE_WAIT) return false
    return info.getUint32(DATA_SEGS_OUT_AT, true) === 0 && info.getUint32(LAST_DATA_RECV_AT, true) >= silentMs
  }

  let isLooking = false
  const lookFrom = (first: number, last: number, silentMs: number): void => {
    const end = Math.min(first + SLICE_FILES, last)
    let ended = 0
    for (let file = first; file < end; file++) {
      if (!isUnserved(file, silentMs)) continue
      libc.shutdown(file, SHUT_RDWR)
      ended++
    }
    if (ended > 0) onEnded(ended)
    isLooking = end < last
    if (isLooking) setImmediate(lookFrom, end, last, silentMs)
  }
  const timer = setInterval(() => {
    const open = openFilesAtLeast()
    if (isLooking || open < limit - reserved / 2) return
    // With none left nobody can be served at all: then who has just come goes as well.
    lookFrom(FIRST_FILE, limit, open === Number.POSITIVE_INFINITY ? 0 : SILENT_MS)
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
