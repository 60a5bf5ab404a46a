// What the kernel takes in for one connection while the server does not read: the most that one flood can make it do before
// others have their turn.

import { expect, test } from "bun:test"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { createConnection } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeCertificate } from "../helpers/certificate.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { poll } from "../helpers/redis.ts"

/** Twice 24 KiB, as Linux counts, and as much again: it looks at what there is before a segment, not behind it. */
const MOST_BYTES = 98_304

/** What a flood offers. */
const OFFERED_BYTES = 4 * 1024 * 1024

test("a flood waits at its sender", async () => {
  await using node = await startNode()
  expect(await takenIn(node)).toBeLessThan(MOST_BYTES)
})

test("so it does where TLS is renewed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "receiving-"))
  const files = [join(folder, "cert.pem"), join(folder, "key.pem")] as const
  const renew = (): void => {
    const { cert, key } = makeCertificate()
    writeFileSync(files[1], key)
    writeFileSync(files[0], cert)
  }
  renew()
  await using node = await startNode(["--tls-cert", files[0], "--tls-key", files[1]])
  const from = node.log().length
  renew()
  node.kill("SIGHUP")
  await node.logged(/certificate/, from)
  expect(await takenIn(node)).toBeLessThan(MOST_BYTES)
})

/** Bytes that wait to be read by a node that is stopped, of all that are offered to it by one connection. */
async function takenIn(node: TestNode): Promise<number> {
  const socket = createConnection({ port: node.port, host: "127.0.0.1" })
  await new Promise((resolve) => socket.once("connect", resolve))
  node.kill("SIGSTOP")
  socket.write(Buffer.alloc(OFFERED_BYTES))
  let taken = 0
  // The kernel is done when it has nothing more to say.
  await poll(
    () => {
      const before = taken
      taken = waitingAt(node.port)
      return taken > 0 && taken === before
    },
    undefined,
    100,
  )
  node.kill("SIGCONT")
  socket.destroy()
  return taken
}

/** Of the connections to this port (proc_pid_net(5): local address, state 01 is established, transmit and receive queue). */
function waitingAt(port: number): number {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)
  const cells = lines.map((line) => line.trim().split(/\s+/))
  const own = cells.filter(([, local = "", , state]) => local.endsWith(end) && state === "01")
  return own.reduce((sum, [, , , , queues = ""]) => sum + Number.parseInt(queues.split(":")[1] ?? "0", 16), 0)
}
