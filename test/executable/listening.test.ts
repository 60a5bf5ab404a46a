// An address that cannot be listened on: one line that says what is wrong with it, exit code 1.

import { expect, test } from "bun:test"
import { runExecutable, startNode } from "../helpers/node.ts"

for (const [what, address, reason] of [
  ["a name that is unknown", "nowhere.invalid", "the name is unknown"],
  // For documentation (RFC 5737): no machine has it.
  ["an address of another machine", "203.0.113.77", "the address is not one of this machine's"],
] as const) {
  test(what, async () => {
    const said = (option: string, port: number) =>
      `palava-machine: ${option}: cannot listen on ${address}:${port}: ${reason}\n`
    const own = await runExecutable(["--host", address, "--port", "4233", "--admin-listen", "127.0.0.1:0"])
    expect([own.code, own.stderr]).toEqual([1, said("--port", 4233)])
    const admin = await runExecutable(["--port", "0", "--admin-listen", `${address}:4234`])
    expect([admin.code, admin.stderr]).toEqual([1, said("--admin-listen", 4234)])
  })
}

test("a port that another program has", async () => {
  await using other = await startNode()
  const said = (option: string, port: number) =>
    `palava-machine: ${option}: cannot listen on 127.0.0.1:${port}: the port is taken by another program (ss -ltnp shows which)\n`
  const own = await runExecutable(["--host", "127.0.0.1", "--port", String(other.port), "--admin-listen", "off"])
  expect([own.code, own.stderr]).toEqual([1, said("--port", other.port)])
  const admin = await runExecutable(["--port", "0", "--admin-listen", `127.0.0.1:${other.adminPort}`])
  expect([admin.code, admin.stderr]).toEqual([1, said("--admin-listen", other.adminPort)])
})
