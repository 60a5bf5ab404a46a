// The original servers from npm, each a process of Node's on a free port, as their users start them.

import { join } from "node:path"
import { freePort, poll } from "../helpers/redis.ts"

const ROOT = join(import.meta.dir, "../..")

/** A running original. */
export interface Original extends AsyncDisposable {
  /** ws://127.0.0.1:PORT/ */
  readonly url: string
}

/** y-webrtc's signaling server. */
export function startYWebrtc(): Promise<Original> {
  return start(["node_modules/y-webrtc/bin/server.js"])
}

/** webrtc.io's server, by the one line of its README. */
export function startWebrtcIo(): Promise<Original> {
  return start(["-e", 'require("webrtc.io").listen(Number(process.env.PORT))'])
}

/** peerjs-server, by the line of its README, and with a listener for errors: without one, bad JSON ends the process. */
export function startPeerJs(): Promise<Original> {
  return start(["-e", 'require("peer").PeerServer({ port: Number(process.env.PORT) }).on("error", () => {})'])
}

async function start(args: readonly string[]): Promise<Original> {
  const port = await freePort()
  const child = Bun.spawn(["node", ...args], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"] ?? "", PORT: String(port) },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  })
  await poll(async () => {
    if (child.exitCode !== null) throw new Error(`${args[0]} ended`)
    return canConnect(port)
  })
  return {
    url: `ws://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL")
      await child.exited
    },
  }
}

async function canConnect(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })
    socket.end()
    return true
  } catch {
    return false
  }
}
