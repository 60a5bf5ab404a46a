// Frames on their way into the logs of their rooms. What is published within a turn of the event loop travels as one call
// for each partition: Redis and node pay for the call once. The promise of each frame is its own.

import type { Clock } from "../clock.ts"
import type { Position } from "../rooms/room-store.ts"
import { type Publish, type RoomCalls, readPositions } from "./room-calls.ts"
import type { Uplink } from "./uplink.ts"

/** 64 frames, some 0.5 ms of Redis: whoever comes behind the call does not wait longer. */
const MOST_FRAMES = 64

/** 256 Ki UTF-16 units, as much as a batch of relays. */
const MOST_UNITS = 256 * 1024

/** Frames that travel together. */
interface Batch {
  readonly frames: Publish[]
  readonly settle: {
    readonly resolve: (position: Position | undefined) => void
    readonly reject: (cause: unknown) => void
  }[]
  units: number
}

/** What they are made with. */
export interface PublishesOptions {
  readonly uplink: Pick<Uplink, "run">
  readonly calls: RoomCalls
  readonly clock: Clock
}

/** See the head of this file. */
export class Publishes {
  readonly #options: PublishesOptions
  /** Not yet sent, by partition. */
  readonly #batches = new Map<number, Batch>()

  constructor(options: PublishesOptions) {
    this.#options = options
  }

  /** Publishes a frame soon; where it stands then, or undefined when it is of no member or not newer. */
  add(partition: number, publish: Publish): Promise<Position | undefined> {
    const batch = this.#batches.get(partition) ?? this.#open(partition)
    return new Promise((resolve, reject) => {
      batch.frames.push(publish)
      batch.settle.push({ resolve, reject })
      batch.units += publish.text.length
      if (batch.frames.length >= MOST_FRAMES || batch.units >= MOST_UNITS) this.flush(partition)
    })
  }

  /** Sends what is there: what this node says next of these rooms comes behind it. */
  flush(partition: number): void {
    const batch = this.#batches.get(partition)
    if (batch === undefined) return
    this.#batches.delete(partition)
    const { frames, settle } = batch
    this.#options.uplink
      .run("up", (terms) => this.#options.calls.publish(frames, terms))
      .then((reply) => {
        const positions = readPositions(reply)
        for (const [at, { resolve }] of settle.entries()) resolve(positions[at])
      })
      .catch((cause: unknown) => {
        for (const { reject } of settle) reject(cause)
      })
  }

  #open(partition: number): Batch {
    const batch: Batch = { frames: [], settle: [], units: 0 }
    this.#batches.set(partition, batch)
    this.#options.clock.soon(() => {
      if (this.#batches.get(partition) === batch) this.flush(partition)
    })
    return batch
  }
}
