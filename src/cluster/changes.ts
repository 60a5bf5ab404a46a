// Changes of rooms on their way to Redis. Those of one turn of the event loop travel as one call for each partition, in order:
// Redis and node pay for the call once, and each node that has something to hear gets one message. The answer of each is its own.

import type { Clock } from "../clock.ts"
import { StoreUnavailable } from "../rooms/room-store.ts"
import type { Reply } from "./backend.ts"
import type { Keys } from "./redis/keys.ts"
import type { Change, RoomCalls } from "./room-calls.ts"
import type { Uplink } from "./uplink.ts"

/** 32 changes, 1 to 2 ms of Redis: whoever comes behind the call does not wait longer. */
const MOST_CHANGES = 32

/** 256 Ki UTF-16 units of frames and statuses, as much as a batch of relays. */
const MOST_UNITS = 256 * 1024

/** A change with whoever waits for its answer. */
interface Waiting {
  readonly change: Change
  readonly resolve: (reply: Reply[]) => void
  readonly reject: (cause: unknown) => void
}

/** Changes that travel together. */
interface Batch {
  readonly waiting: Waiting[]
  units: number
}

/** What they are made with. */
export interface ChangesOptions {
  readonly uplink: Pick<Uplink, "run">
  readonly calls: RoomCalls
  readonly keys: Keys
  readonly clock: Clock
}

/** See the head of this file. */
export class Changes {
  readonly #options: ChangesOptions
  /** Not yet sent, by partition. */
  readonly #batches = new Map<number, Batch>()

  constructor(options: ChangesOptions) {
    this.#options = options
  }

  /** Sends a change soon, behind those before: what became of it, as change_rooms.lua says it. */
  add(change: Change): Promise<Reply[]> {
    const partition = this.#options.keys.partitionOf(change.room)
    const batch = this.#batches.get(partition) ?? this.#open(partition)
    return new Promise((resolve, reject) => {
      batch.waiting.push({ change, resolve, reject })
      batch.units += unitsOf(change)
      if (batch.waiting.length >= MOST_CHANGES || batch.units >= MOST_UNITS) this.#flush(partition, batch)
    })
  }

  /** Sends what is there at once. */
  flush(): void {
    for (const [partition, batch] of this.#batches) this.#flush(partition, batch)
  }

  #open(partition: number): Batch {
    const batch: Batch = { waiting: [], units: 0 }
    this.#batches.set(partition, batch)
    this.#options.clock.soon(() => {
      if (this.#batches.get(partition) === batch) this.#flush(partition, batch)
    })
    return batch
  }

  #flush(partition: number, { waiting }: Batch): void {
    this.#batches.delete(partition)
    this.#send(waiting)
  }

  /** Where a change cannot be carried out, which is a bug of ours or somebody else's data, the others must not suffer: each goes alone. */
  async #send(waiting: readonly Waiting[]): Promise<void> {
    const { uplink, calls } = this.#options
    const changes = waiting.map(({ change }) => change)
    try {
      const replies = await uplink.run("up", (terms) => calls.change(changes, terms), changes.length)
      for (const [at, { resolve }] of waiting.entries()) resolve(replies[at + 1] as Reply[])
    } catch (cause) {
      if (waiting.length > 1 && !(cause instanceof StoreUnavailable)) for (const one of waiting) this.#send([one])
      else for (const { reject } of waiting) reject(cause)
    }
  }
}

function unitsOf(change: Change): number {
  if (change.kind === "frame") return change.text.length
  if (change.kind === "status") return change.status.length
  return change.kind === "join" ? change.request.status.length : 0
}
