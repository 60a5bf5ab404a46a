// The C library, for the few calls of Linux that neither Bun nor Node.js has.

import { dlopen, ptr } from "bun:ffi"
import { readdirSync } from "node:fs"

const SYMBOLS = {
  socket: { args: ["int", "int", "int"], returns: "int" },
  connect: { args: ["int", "ptr", "u32"], returns: "int" },
  getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" },
  getsockname: { args: ["int", "ptr", "ptr"], returns: "int" },
  getpeername: { args: ["int", "ptr", "ptr"], returns: "int" },
  shutdown: { args: ["int", "int"], returns: "int" },
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
} as const

/** The calls. */
export type Libc = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"]

/** From <sys/socket.h> of Linux: whose options they are, and the one that says whether a socket listens. */
export const SOL_SOCKET = 1
const SO_ACCEPTCONN = 30

/** glibc's or musl's calls; undefined where there is neither, as on macOS. */
export function openLibc(): Libc | undefined {
  if (process.platform !== "linux") return undefined
  for (const library of ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`]) {
    try {
      return dlopen(library, SYMBOLS).symbols
    } catch {
      // Another C library.
    }
  }
  return undefined
}

/** The sockets by which connections come to this process. */
export function listeningSockets(libc: Libc): number[] {
  const [answer, size] = [new Int32Array(1), new Uint32Array([4])]
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((file) => libc.getsockopt(file, SOL_SOCKET, SO_ACCEPTCONN, ptr(answer), ptr(size)) === 0 && answer[0] === 1)
}
