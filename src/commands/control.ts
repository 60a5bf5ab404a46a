// Where a running server can be asked to give its place to another process (`--replace`): a Unix socket beside the state
// file, which only the same user can open. What is said there, a line each: the other's hello, ours; `take`, once it listens;
// `ready`, so that one that hangs is found out; `now`. Then this one stops as ever, what is held goes to the state file, and
// `done` says that it can be read.

import { lstat, rename, rm } from "node:fs/promises"
import { createConnection, createServer, type Socket } from "node:net"
import * as v from "valibot"
import { STATE_FORMAT } from "../app/state.ts"
import type { Log } from "../log.ts"
import { LineSocket } from "./line-socket.ts"

/** The protocol of these lines, which stays: what may change is the format of the state. */
const PROTOCOL = 1

/** 10 s between two lines of the other: it starts in one. */
const OTHER_MS = 10_000

/** Longest path of a Unix socket on Linux and, four bytes fewer, on macOS (unix(7)). */
const SOCKET_PATH_BYTES = 103

/** What either side begins with. */
export const HELLO = v.object({
  palavaReplace: v.literal(PROTOCOL),
  /** Formats of the state that it reads or writes. */
  formats: v.array(v.number()),
  version: v.string(),
  pid: v.number(),
  /** The running one: its node, and whether its clients' memberships are in this process. */
  node: v.optional(v.string()),
  keepsRooms: v.optional(v.boolean()),
})

/** Who is asked, or asks. */
export type Hello = Readonly<v.InferOutput<typeof HELLO>>

/** The hello of this process. */
export function makeHello(fields: Pick<Hello, "version" | "node" | "keepsRooms">): Hello {
  return { palavaReplace: PROTOCOL, formats: [STATE_FORMAT], pid: process.pid, ...fields }
}

/** Where the socket of a state file is; undefined when no socket can have that name. */
export function controlPathOf(stateFile: string): string | undefined {
  const path = `${stateFile}.sock`
  return Buffer.byteLength(`${path}.new`) > SOCKET_PATH_BYTES ? undefined : path
}

/** Connects to the server that listens there; undefined when there is none. */
export async function callRunning(path: string): Promise<LineSocket | undefined> {
  const about = await lstat(path).catch(() => undefined)
  if (about === undefined || !about.isSocket() || about.uid !== process.getuid?.()) return undefined
  return await new Promise((resolve) => {
    const socket = createConnection(path)
    socket.once("connect", () => resolve(new LineSocket(socket)))
    socket.once("error", () => resolve(undefined))
  })
}

/** What a running server does when it is asked. */
export interface ControlParts {
  readonly hello: Hello
  readonly log: Log
  /** Stops, for another process that listens already; calls `say` right before the end. */
  giveWay(say: () => void): void
}

/**
 * Listens there, in place of whoever did before.
 * @throws when that is not possible
 */
export async function listenForReplacement(path: string, parts: ControlParts): Promise<void> {
  const places: Places = { isTaken: false }
  const server = createServer((socket) => void serve(socket, parts, places))
  const before = await lstat(path).catch(() => undefined)
  if (before?.isSocket() === false) throw new Error("it is no socket")
  const umask = process.umask(0o177)
  try {
    await rm(`${path}.new`, { force: true })
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(`${path}.new`, resolve)
    })
  } finally {
    process.umask(umask)
  }
  await rename(`${path}.new`, path)
}

/** Whether one of those who want this one's place is about to have it: two would be two servers with one name. */
interface Places {
  isTaken: boolean
}

async function serve(socket: Socket, { hello, log, giveWay }: ControlParts, places: Places): Promise<void> {
  const other = new LineSocket(socket)
  const asked = v.safeParse(HELLO, await other.next(OTHER_MS))
  if (asked.success) other.say(hello)
  if (!asked.success || (await other.next(OTHER_MS))?.["take"] !== true || places.isTaken) return other.close()
  places.isTaken = true
  other.say({ ready: true })
  if ((await other.next(OTHER_MS))?.["now"] !== true) {
    places.isTaken = false
    return other.close()
  }
  const { version, pid, formats } = asked.output
  log.info({ version, pid }, "another process takes this one's place")
  if (hello.keepsRooms === true && !formats.includes(STATE_FORMAT)) {
    log.warn({ version, formats, ours: STATE_FORMAT }, "the other process does not read what is held here")
  }
  giveWay(() => other.say({ done: true }))
}
