// The short ways between the workers of one server: each listens on a Unix socket, in a folder that is only their user's, by the
// name of its node. What the frames say is src/cluster/neighbours.ts's business; each is answered with a byte once it is taken.

import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Socket, UnixSocketListener } from "bun"
import { FRAME_LENGTH_BYTES, type Neighbours } from "../cluster/neighbours.ts"
import type { Log } from "../log.ts"
import type { NodeId } from "../rooms/ids.ts"

/** Version of the frames, and part of each socket's name: workers of two releases run side by side while they are replaced. */
const VERSION = 1

/** 1 s for an answer, which takes a fraction of a millisecond: then it goes over Redis, and the other one is busy or hangs. */
const ANSWER_MS = 1_000

/** 1 s until a way is looked for again where there was none, or it was lost. */
const RETRY_MS = 1_000

/** 16 MiB: a batch is 1 MiB at most, and the longest message of a client on top of it. */
const MOST_FRAME_BYTES = 16 * 1_048_576

/** 1,000 nodes, of this machine or another, of which it is known whether there is a way to them. */
const MOST_WAYS = 1_000

const TAKEN = Buffer.from([1])

/** Where they are. */
export interface SocketFolder {
  /** Empty when none can be made, which the log is told: then all goes over Redis. */
  readonly path: string
  /** A worker has ended, perhaps without removing its socket. */
  remove(node: string): void
}

/** Makes a folder that only this user can enter; it goes when this process ends. */
export function makeSocketFolder(log: Log): SocketFolder {
  try {
    const path = mkdtempSync(join(tmpdir(), "palava-machine-"))
    process.on("exit", () => rmSync(path, { recursive: true, force: true }))
    return { path, remove: (node) => rmSync(socketOf(path, node), { force: true }) }
  } catch (cause) {
    log.warn({ reason: (cause as Error).message }, "no folder for the workers' sockets: they relay over Redis")
    return { path: "", remove() {} }
  }
}

function socketOf(folder: string, node: string): string {
  return join(folder, `${node}.${VERSION}`)
}

/** Ways to other nodes, and what comes from them. */
export class NeighbourSockets implements Neighbours {
  readonly #folder: string
  readonly #log: Log
  readonly #ways = new Map<NodeId, Way>()
  #listener: UnixSocketListener<Arrivals> | undefined

  constructor(folder: string, log: Log) {
    this.#folder = folder
    this.#log = log
  }

  listen(node: NodeId, take: (frame: Buffer) => Promise<void> | undefined): void {
    const unix = socketOf(this.#folder, node)
    try {
      this.#listener = Bun.listen<Arrivals>({
        unix,
        socket: {
          open(socket) {
            socket.data = new Arrivals(socket, take)
          },
          data: ({ data }, bytes) => data.add(bytes),
          drain: ({ data }) => data.answer(),
          error() {},
        },
      })
    } catch (cause) {
      this.#log.warn({ reason: (cause as Error).message }, "no short way from other workers: they relay over Redis")
    }
  }

  isNear(node: NodeId): boolean {
    const way = this.#ways.get(node)
    if (way?.isOpen === true) return true
    if (way === undefined || way.isOver) this.#open(node)
    return false
  }

  send(node: NodeId, frame: Buffer): Promise<boolean> {
    const way = this.#ways.get(node)
    if (way?.isOpen !== true || frame.length > MOST_FRAME_BYTES) return Promise.resolve(false)
    return way.send(frame)
  }

  close(): void {
    this.#listener?.stop(true)
    if (this.#listener !== undefined) rmSync(this.#listener.unix, { force: true })
    for (const way of this.#ways.values()) way.end()
    this.#ways.clear()
  }

  /** Removes the folder, as nobody else will: what is open stays open. */
  removeAll(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #open(node: NodeId): void {
    this.#ways.delete(node)
    this.#ways.set(node, new Way(socketOf(this.#folder, node)))
    if (this.#ways.size <= MOST_WAYS) return
    for (const [oldest, way] of this.#ways) {
      way.end()
      this.#ways.delete(oldest)
      return
    }
  }
}

/** To one node, until it is lost. */
class Way {
  isOpen = false
  #endedAt: number | undefined
  #socket: Socket | undefined
  /** What the socket has not taken yet. */
  #rest: Buffer[] = []
  /** In the order of what was sent. */
  #unanswered: ((isTaken: boolean) => void)[] = []
  #patience: Timer | undefined

  constructor(unix: string) {
    if (!existsSync(unix)) this.end()
    else this.#connect(unix)
  }

  /** Whether another may be tried in its place. */
  get isOver(): boolean {
    return this.#endedAt !== undefined && performance.now() - this.#endedAt > RETRY_MS
  }

  send(frame: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      this.#unanswered.push(resolve)
      this.#patience ??= setTimeout(() => this.end(), ANSWER_MS)
      this.#rest.push(frame)
      if (this.#rest.length === 1) this.#write()
    })
  }

  end(): void {
    this.isOpen = false
    this.#endedAt ??= performance.now()
    clearTimeout(this.#patience)
    this.#socket?.terminate()
    this.#rest = []
    for (const settle of this.#unanswered.splice(0)) settle(false)
  }

  #connect(unix: string): void {
    Bun.connect({
      unix,
      socket: {
        data: (_, bytes) => this.#onAnswers(bytes.length),
        drain: () => this.#write(),
        close: () => this.end(),
        error: () => this.end(),
      },
    }).then(
      (socket) => {
        this.#socket = socket
        if (this.#endedAt === undefined) this.isOpen = true
        else socket.terminate()
      },
      () => this.end(),
    )
  }

  #write(): void {
    for (let frame = this.#rest[0]; frame !== undefined; frame = this.#rest[0]) {
      const written = Math.max(0, this.#socket?.write(frame) ?? 0)
      if (written < frame.length) {
        this.#rest[0] = frame.subarray(written)
        return
      }
      this.#rest.shift()
    }
  }

  #onAnswers(count: number): void {
    for (const settle of this.#unanswered.splice(0, count)) settle(true)
    if (this.#unanswered.length > 0) this.#patience?.refresh()
    else {
      clearTimeout(this.#patience)
      this.#patience = undefined
    }
  }
}

/** What comes from one neighbour. */
class Arrivals {
  readonly #socket: Socket<Arrivals>
  readonly #take: (frame: Buffer) => Promise<void> | undefined
  /** What is not a whole frame yet, or waits for one before it. */
  #rest: Buffer = Buffer.alloc(0)
  #isWaiting = false
  /** Taken, and not answered. */
  #taken = 0

  constructor(socket: Socket<Arrivals>, take: (frame: Buffer) => Promise<void> | undefined) {
    this.#socket = socket
    this.#take = take
  }

  add(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    this.#proceed()
    // `bytes` belong to the socket.
    this.#rest = Buffer.from(this.#rest)
  }

  /** One byte for each frame. */
  answer(): void {
    if (this.#taken === 0) return
    const answers = this.#taken === 1 ? TAKEN : Buffer.alloc(this.#taken, TAKEN)
    this.#taken -= Math.max(0, this.#socket.write(answers))
  }

  #proceed(): void {
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      const taking = this.#take(frame)
      if (taking === undefined) this.#taken++
      else this.#waitFor(taking)
    }
    this.answer()
  }

  /** The next frame, if it is here and none before it waits. */
  #next(): Buffer | undefined {
    if (this.#isWaiting || this.#rest.length < FRAME_LENGTH_BYTES) return undefined
    const length = this.#rest.readUInt32BE(0)
    if (length < FRAME_LENGTH_BYTES || length > MOST_FRAME_BYTES) this.#refuse()
    else if (this.#rest.length >= length) {
      const frame = this.#rest.subarray(0, length)
      this.#rest = this.#rest.subarray(length)
      return frame
    }
    return undefined
  }

  #waitFor(taking: Promise<void>): void {
    this.#isWaiting = true
    taking.then(
      () => {
        this.#isWaiting = false
        this.#taken++
        this.#proceed()
      },
      () => this.#refuse(),
    )
  }

  /** The sender finds the way closed, and sends over Redis what was not answered. Nothing is taken from here on. */
  #refuse(): void {
    this.#isWaiting = true
    this.#rest = Buffer.alloc(0)
    this.#socket.terminate()
  }
}
