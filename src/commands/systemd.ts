// What systemd is told of the service (sd_notify(3)): that it is ready, that it stops, that it is alive. Its socket takes
// UNIX datagrams, which neither Bun nor Node.js has, and a subprocess for each sign of life would cost more than all
// else an idle node does. So the C library is asked for the one socket, once; from then on a message is a write.

import { ptr } from "bun:ffi"
import { writeSync } from "node:fs"
import { openLibc } from "../libc.ts"

/** From <sys/socket.h> and <fcntl.h> of Linux, which is all that systemd runs on. */
const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000

/** 15 s on top of the announced wait: closing everything takes up to two seconds, Redis may be slow to say good-bye. */
const STOP_MARGIN_SECONDS = 15

/** What can be told; every call returns at once. */
export interface ServiceManager {
  /** The service can be used; from now on signs of life go out while `isAlive` says so, if systemd wants them (WatchdogSec). */
  ready(isAlive?: () => boolean): void
  /** The service ends, within `seconds` and a margin. */
  stopping(seconds: number): void
}

/** Nobody listens: started by hand, or by something that is no systemd. */
const NOBODY: ServiceManager = { ready() {}, stopping() {} }

/** The systemd that started this process, as its environment says. */
export function serviceManagerOf(env: Readonly<Record<string, string | undefined>>): ServiceManager {
  const socket = env["NOTIFY_SOCKET"]
  const file = socket === undefined ? undefined : connectTo(socket)
  if (file === undefined) return NOBODY
  const tell = (message: string): void => {
    try {
      writeSync(file, message)
    } catch {
      // systemd is busy (EAGAIN) or gone. The next sign of life tells it again; there is nobody else to tell.
    }
  }
  return {
    ready(isAlive = () => true) {
      tell("READY=1")
      const isMine = env["WATCHDOG_PID"] === undefined || env["WATCHDOG_PID"] === String(process.pid)
      const microseconds = isMine ? Number(env["WATCHDOG_USEC"] ?? 0) : 0
      // Twice in its time, as sd_watchdog_enabled(3) advises: one that is late does no harm.
      const tellOfLife = (): void => {
        if (isAlive()) tell("WATCHDOG=1")
      }
      if (microseconds > 0) setInterval(tellOfLife, microseconds / 2000).unref()
    },
    stopping: (seconds) => tell(`STOPPING=1\nEXTEND_TIMEOUT_USEC=${(seconds + STOP_MARGIN_SECONDS) * 1e6}`),
  }
}

/** A socket connected to the path, or to the abstract name behind an @ (unix(7)); undefined when that fails. */
function connectTo(address: string): number | undefined {
  const libc = openLibc()
  if (libc === undefined) return undefined
  const file = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  // struct sockaddr_un: the family in the machine's byte order, which is little-endian wherever Bun runs.
  const name = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(address.replace(/^@/, "\0"))])
  return file >= 0 && libc.connect(file, ptr(name), name.length) === 0 ? file : undefined
}
