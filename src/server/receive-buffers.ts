// How much of one connection the event loop reads before others have their turn. Bun reads whatever has come, 512 KB at a
// time and again while there is more, and Linux lets megabytes come; so one flood holds the loop for as long as they last.
// What the kernel takes in for a socket is the only bound there is: what is over it waits at its sender.

import { ptr } from "bun:ffi"
import { listeningSockets, openLibc, SOL_SOCKET } from "../libc.ts"

/**
 * 24 KiB, of which Linux makes twice as much, for its own bookkeeping: eight session descriptions of 2.5 KB come in one
 * go, a frame of 64 KiB in three round trips. With 16 KiB the eight came in pieces, and each of them cost twice as much.
 */
const RECEIVE_BYTES = 24_576

/** What may have come of one connection and not be read yet: twice that. */
export const UNREAD_BYTES = 2 * RECEIVE_BYTES

/** From <asm-generic/socket.h> of Linux. */
const SO_RCVBUF = 8

/** Bounds what the kernel takes in for each connection from now on; elsewhere than on Linux it does nothing. */
export function boundReceiveBuffers(): void {
  const libc = openLibc()
  if (libc === undefined) return
  const bytes = new Int32Array([RECEIVE_BYTES])
  // Connections have it from the socket by which they come.
  for (const file of listeningSockets(libc)) {
    libc.setsockopt(file, SOL_SOCKET, SO_RCVBUF, ptr(bytes), bytes.byteLength)
  }
}
