// While two processes listen on one port, the kernel shares new connections out among them, and those that the older one has
// not accepted when it stops are reset: 2 in 1,000 under load. So the newer one asks for all of them, and the older one
// accepts what it has. Linux only; elsewhere those few are reset, and their clients try again.

import { ptr } from "bun:ffi"
import { listeningSockets, openLibc, SOL_SOCKET } from "../libc.ts"

/** From <asm-generic/socket.h>. */
const SO_ATTACH_REUSEPORT_CBPF = 51

/** BPF_RET | BPF_K of <linux/bpf_common.h>: the answer is a constant. */
const BPF_RETURN_CONSTANT = 0x06

/** Sockets of a port are numbered in the order in which they began to listen; a number that is none means any of them. */
const SECOND = 1

/** From here on, new connections to ports that this process shares with one older process are its own. */
export function steerConnectionsHere(): void {
  const libc = openLibc()
  if (libc === undefined) return
  const instruction = new DataView(new ArrayBuffer(8))
  instruction.setUint16(0, BPF_RETURN_CONSTANT, true)
  instruction.setUint32(4, SECOND, true)
  // struct sock_fprog: how many instructions, and where they are.
  const program = new DataView(new ArrayBuffer(16))
  program.setUint16(0, 1, true)
  program.setBigUint64(8, BigInt(ptr(instruction)), true)
  // One that shares no port, such as a Unix socket, says no.
  for (const file of listeningSockets(libc)) {
    libc.setsockopt(file, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ptr(program), program.byteLength)
  }
}
