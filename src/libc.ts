// The C library of Linux, for the few things that Bun has no words for.

import { dlopen, type FFIFunction, type Library } from "bun:ffi"

/** glibc, and musl by architecture. */
const LIBRARIES = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`]

/** These functions of it; undefined outside of Linux, or where there is none. */
export function openLibc<Functions extends Record<string, FFIFunction>>(
  functions: Functions,
): Library<Functions>["symbols"] | undefined {
  if (process.platform !== "linux") return undefined
  for (const library of LIBRARIES) {
    try {
      return dlopen(library, functions).symbols
    } catch {
      // The next one, or none.
    }
  }
  return undefined
}
