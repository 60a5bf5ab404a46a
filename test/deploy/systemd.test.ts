// What systemd is told (sd_notify(3)), heard at its socket: a datagram socket, which Perl has wherever Debian is.

import { expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startNode } from "../helpers/node.ts"

/** Prints what comes, a line a message, a message's own line breaks as spaces. */
const LISTEN = `use Socket; my $name = $ARGV[0]; $name =~ s/^@/\\0/; $| = 1;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!; bind($socket, pack_sockaddr_un($name)) or die $!; print "listening\\n";
while (defined recv($socket, my $text, 4096, 0)) { $text =~ s/\\n/ /g; print "$text\\n" }`

/** What arrives at a socket of that name, line by line. */
async function* listen(name: string): AsyncGenerator<string> {
  const child = Bun.spawn(["perl", "-e", LISTEN, name], { stdout: "pipe", stderr: "inherit" })
  try {
    let text = ""
    for await (const chunk of child.stdout) {
      const lines = (text + Buffer.from(chunk).toString()).split("\n")
      text = lines.pop() ?? ""
      yield* lines
    }
  } finally {
    child.kill("SIGKILL")
  }
}

const folder = mkdtempSync(join(tmpdir(), "palava-notify-"))

for (const [what, name] of [
  ["a path", join(folder, "notify")],
  ["an abstract name", `@palava-${crypto.randomUUID()}`],
] as const) {
  test.skipIf(process.platform !== "linux")(`ready, alive, stopping; at ${what}`, async () => {
    const heard = listen(name)
    const next = async () => (await heard.next()).value
    expect(await next()).toBe("listening")
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
    await heard.return(undefined)
    if (what === "an abstract name") rmSync(folder, { recursive: true })
  })
}

test("a socket that is not there, or a watchdog for another process, disturbs nobody", async () => {
  await using node = await startNode([], { NOTIFY_SOCKET: "/nowhere/notify", WATCHDOG_USEC: "1000", WATCHDOG_PID: "1" })
  expect((await fetch(`${node.httpUrl}healthz`)).status).toBe(200)
  expect(node.log()).toBe("")
})
