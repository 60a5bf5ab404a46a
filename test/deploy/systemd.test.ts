// What systemd is told (sd_notify(3)), heard at its socket: a datagram socket, which Perl has wherever Debian is.

import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startNode } from "../helpers/node.ts"
import { startRedis } from "../helpers/redis.ts"

/** Prints what comes, a line a message, a message's own line breaks as spaces. */
const LISTEN = `use Socket; my $name = $ARGV[0]; $name =~ s/^@/\\0/; $| = 1;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!; bind($socket, pack_sockaddr_un($name)) or die $!; print "listening\\n";
while (defined recv($socket, my $text, 4096, 0)) { $text =~ s/\\n/ /g; print "$text\\n" }`

/** 20 s: far above what a healthy server takes; reached only when a test fails. */
const WAIT_MS = 20_000

/** Listens at a socket of that name. */
async function listen(name: string): Promise<Disposable & { next(): Promise<string> }> {
  const child = Bun.spawn(["perl", "-e", LISTEN, name], { stdout: "pipe", stderr: "ignore", timeout: 3 * WAIT_MS })
  const reader = child.stdout.getReader()
  let text = ""
  const next = async (): Promise<string> => {
    const timer = setTimeout(() => child.kill("SIGKILL"), WAIT_MS)
    while (!text.includes("\n")) {
      const { value, done } = await reader.read()
      if (done) throw new Error(`nothing came within ${WAIT_MS / 1000} s`)
      text += Buffer.from(value).toString()
    }
    clearTimeout(timer)
    const end = text.indexOf("\n")
    const line = text.slice(0, end)
    text = text.slice(end + 1)
    return line
  }
  const listening = await next()
  if (listening !== "listening") throw new Error(listening)
  return { next, [Symbol.dispose]: () => child.kill("SIGKILL") }
}

const folder = mkdtempSync(join(tmpdir(), "palava-notify-"))
afterAll(() => rmSync(folder, { recursive: true }))

for (const [what, name] of [
  ["a path", join(folder, "notify")],
  ["an abstract name", `@palava-${crypto.randomUUID()}`],
] as const) {
  test.skipIf(process.platform !== "linux")(`ready, alive, stopping; at ${what}`, async () => {
    using heard = await listen(name)
    const { next } = heard
    // 0.1 s: told to be alive every 0.05 s.
    const env = { NOTIFY_SOCKET: name, WATCHDOG_USEC: "100000" }
    await using node = await startNode(["--shutdown-seconds", "7"], env)
    expect(await next()).toBe("READY=1")
    expect([await next(), await next()]).toEqual(["WATCHDOG=1", "WATCHDOG=1"])
    node.kill("SIGTERM")
    let told = await next()
    while (told === "WATCHDOG=1") told = await next()
    expect(told).toBe("STOPPING=1 EXTEND_TIMEOUT_USEC=22000000")
    expect(await node.exited).toBe(0)
  })
}

test("with workers it is ready once, and alive", async () => {
  await using redis = await startRedis()
  using heard = await listen(join(folder, "workers"))
  const env = { NOTIFY_SOCKET: join(folder, "workers"), WATCHDOG_USEC: "100000" }
  await using server = await startNode(["--workers", "2", "--redis", redis.url, "--shutdown-seconds", "7"], env)
  // From the first process alone: from the workers there would be more of each.
  expect(await heard.next()).toBe("READY=1")
  expect(await (await fetch(`${server.adminUrl}readyz`)).text()).toBe("ready\n")
  expect([await heard.next(), await heard.next()]).toEqual(["WATCHDOG=1", "WATCHDOG=1"])
  server.kill("SIGTERM")
  const told = new Set<string>()
  while (!told.has("STOPPING=1 EXTEND_TIMEOUT_USEC=22000000")) told.add(await heard.next())
  expect([...told].filter((line) => line !== "WATCHDOG=1")).toEqual(["STOPPING=1 EXTEND_TIMEOUT_USEC=22000000"])
  expect(await server.exited).toBe(0)
})

test("a socket that is not there, or a watchdog for another process, disturbs nobody", async () => {
  await using node = await startNode([], { NOTIFY_SOCKET: "/nowhere/notify", WATCHDOG_USEC: "1000", WATCHDOG_PID: "1" })
  expect((await fetch(`${node.httpUrl}healthz`)).status).toBe(200)
  expect(node.complaints()).toBe("")
})
