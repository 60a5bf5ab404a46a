// While two processes listen on one port, the kernel shares new connections out among them, and those that the older one has
// not accepted when it stops are reset: 2 in 1,000 under load. So the newer one asks for all of them, and the older one
// accepts what it has. Linux only; elsewhere those few are reset, and their clients try again.

import { ptr } from "bun:ffi"
import { readdirSync } from "node:fs"
import { openLibc } from "../libc.ts"

/** From <asm-generic/socket.h>. */
const SOL_SOCKET = 1
const SO_ACCEPTCONN = 30
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
  const [answer, size] = [new Int32Array(1), new Uint32Array([4])]
  for (const name of readdirSync("/proc/self/fd")) {
    const file = Number(name)
    const isSocket = libc.getsockopt(file, SOL_SOCKET, SO_ACCEPTCONN, ptr(answer), ptr(size)) === 0
    // One that shares no port, such as a Unix socket, says no.
    if (isSocket && answer[0] === 1) {
      libc.setsockopt(file, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ptr(program), program.byteLength)
    }
  }
}
