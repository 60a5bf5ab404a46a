// The C library, for the few calls of Linux that neither Bun nor Node.js has.

import { dlopen } from "bun:ffi"

const SYMBOLS = {
  socket: { args: ["int", "int", "int"], returns: "int" },
  connect: { args: ["int", "ptr", "u32"], returns: "int" },
  getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" },
  shutdown: { args: ["int", "int"], returns: "int" },
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
} as const

/** glibc's or musl's calls; undefined where there is neither, as on macOS. */
export function openLibc() {
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
