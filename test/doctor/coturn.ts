// Debian's coturn for a test: on a free port of loopback, with the secret that is shared with the server.

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { askForAddress, toIceServer } from "../../src/doctor/stun-client.ts"
import { freePort, poll } from "../helpers/redis.ts"

/** A running turnserver. */
export interface Coturn extends AsyncDisposable {
  readonly port: number
}

/** Starts one; it answers when this resolves. */
export async function startCoturn(secret: string): Promise<Coturn> {
  const folder = mkdtempSync(join(tmpdir(), "palava-turn-"))
  const port = await freePort()
  const child = Bun.spawn(
    [
      ...["turnserver", "-n", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", `${port}`],
      ...[
        "--use-auth-secret",
        "--static-auth-secret",
        secret,
        "--realm",
        "palava",
        "--no-tls",
        "--no-dtls",
        "--no-cli",
      ],
      ...["--log-file", "stdout", "--simple-log", "--pidfile", join(folder, "pid"), "--userdb", join(folder, "db")],
    ],
    { cwd: folder, stdout: "ignore", stderr: "ignore" },
  )
  // It listens on TCP last.
  const server = toIceServer(`stun:127.0.0.1:${port}?transport=tcp`)
  await poll(async () => {
    if (child.exitCode !== null) throw new Error("turnserver ended")
    return await askForAddress(server).then(
      () => true,
      () => false,
    )
  })
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL")
      await child.exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
