// The short way between nodes of one machine: a batch of relays goes to the other node itself and not by way of Redis. It is
// the same batch, with its number: where the short way fails it goes over Redis, and is dropped if it had arrived.
//
// Redis keeps a batch behind all that was announced or sent before it. Here two things do: each relay says behind which place
// of its room's log it is (Relay.after), for which the room waits there, and the batch, behind which batch that went over Redis
// it is, for which the other node waits (inbox.ts).
//
//   frame: its length, this number included, and that of the head, UInt32BE; head; the batch as over Redis (node-message.ts)
//   head:  a line with the partition and the number of the batch before; then for each relay a line with epoch and seq of its
//          place, which is empty where it is that of the relay before

import type { NodeId } from "../rooms/ids.ts"
import type { Position, Relay } from "../rooms/room-store.ts"
import { decodeNodeMessage, type NodeMessage } from "./node-message.ts"

/** 10,000 ways over Redis that were used last: nodes of this machine and their predecessors, times partitions. */
const MOST_WAYS = 10_000

/** Each frame begins with its length, UInt32BE, these bytes included. */
export const FRAME_LENGTH_BYTES = 4

/** Before the head. */
const LENGTHS_BYTES = 2 * FRAME_LENGTH_BYTES

/** The nodes of this machine, as bytes reach them. */
export interface Neighbours {
  /**
   * Takes what they send to `node` from now on, frame by frame: the next when `take` has ended.
   * When `take` rejects, the way is closed on which the frame came.
   */
  listen(node: NodeId, take: (frame: Buffer) => Promise<void> | undefined): void
  /** Whether there is a way to that node now; if not, one is looked for. */
  isNear(node: NodeId): boolean
  /** Sends a frame: true once it was taken there; false when that is not known, as the way was lost, within a bounded time. */
  send(node: NodeId, frame: Buffer): Promise<boolean>
  /** Gives all ways up. */
  close(): void
}

/** A batch of another node of this machine. */
export interface NearBatch {
  readonly partition: number
  /** Number of the batch, of the same sender, which has to come first; it went over Redis. */
  readonly behind: number
  readonly batch: Extract<NodeMessage, { kind: "relays" }>
}

/** What they are made with. */
export interface ShortcutsOptions {
  readonly neighbours: Neighbours
  /** Whether the lease of this node holds: without it the others may have swept its members. */
  isLeased(): boolean
}

/** See the head of this file. */
export class Shortcuts {
  readonly #options: ShortcutsOptions
  /** Number of the last batch that went over Redis, by partition and node. */
  readonly #behind = new Map<string, number>()

  constructor(options: ShortcutsOptions) {
    this.#options = options
  }

  /** Sends a batch the short way, if there is one and all of it may go that way; false when it has to go over Redis. */
  async send(partition: number, node: NodeId, relays: readonly Relay[], batch: Buffer): Promise<boolean> {
    const { neighbours, isLeased } = this.#options
    if (!neighbours.isNear(node) || !isLeased()) return false
    const behind = this.#behind.get(`${partition} ${node}`)
    if (behind === undefined) return false
    const head = headOf(partition, behind, relays)
    return head !== undefined && neighbours.send(node, frameOf(head, batch))
  }

  /** A batch went over Redis: those that take the short way next are behind it. */
  wentOverRedis(partition: number, node: NodeId, number: number): void {
    const way = `${partition} ${node}`
    this.#behind.delete(way)
    if (!this.#options.neighbours.isNear(node)) return
    this.#behind.set(way, number)
    if (this.#behind.size <= MOST_WAYS) return
    for (const oldest of this.#behind.keys()) {
      this.#behind.delete(oldest)
      return
    }
  }
}

/** Reads a frame; undefined when it is broken. Never throws. */
export function decodeNearBatch(frame: Buffer): NearBatch | undefined {
  if (frame.length < LENGTHS_BYTES) return undefined
  const end = LENGTHS_BYTES + frame.readUInt32BE(FRAME_LENGTH_BYTES)
  const batch = decodeNodeMessage(frame.subarray(end))
  if (typeof batch !== "object" || batch.kind !== "relays") return undefined
  const [first = "", ...lines] = frame.toString("latin1", LENGTHS_BYTES, end).split("\n")
  const [partition, behind] = first.split(" ").map(Number)
  if (!Number.isSafeInteger(partition) || !Number.isSafeInteger(behind) || lines.length !== batch.relays.length) {
    return undefined
  }
  let after: Position | undefined
  const relays = batch.relays.map(({ room, from, to, text }, at): Relay => {
    const line = lines[at] as string
    if (line !== "") {
      const [epoch = "", seq] = line.split(" ")
      after = { epoch, seq: Number(seq) }
    }
    return { room, from, to, text, after }
  })
  return { partition: partition as number, behind: behind as number, batch: { ...batch, relays } }
}

/** Undefined when one of them has no place in the log. */
function headOf(partition: number, behind: number, relays: readonly Relay[]): string | undefined {
  let head = `${partition} ${behind}`
  let before: Position | undefined
  for (const { after } of relays) {
    if (after === undefined) return undefined
    const isSame = after.epoch === before?.epoch && after.seq === before.seq
    head += isSame ? "\n" : `\n${after.epoch} ${after.seq}`
    before = after
  }
  return head
}

function frameOf(head: string, batch: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(LENGTHS_BYTES + head.length + batch.length)
  frame.writeUInt32BE(frame.length, 0)
  frame.writeUInt32BE(head.length, FRAME_LENGTH_BYTES)
  frame.write(head, LENGTHS_BYTES, "latin1")
  batch.copy(frame, LENGTHS_BYTES + head.length)
  return frame
}
