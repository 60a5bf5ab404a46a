// Relays on their way to other nodes. One outbox for each target node and partition: what is said within a turn of the
// event loop, or while a batch is on its way, travels as the next batch. So there is one batch in flight per outbox:
// order holds, a busy pair of nodes pays per batch, and a batch whose answer was lost can be sent again under the same
// number, which its receiver knows.

import { type Clock, sleep } from "../clock.ts"
import type { NodeId, PeerId } from "../rooms/ids.ts"
import { type Ref, type Relay, type RelayFailure, StoreUnavailable } from "../rooms/room-store.ts"
import type { ClusterCounters } from "./counters.ts"
import { type ClusterLog, toText } from "./log.ts"
import type { Shortcuts } from "./neighbours.ts"
import { encodeRelays } from "./node-message.ts"
import type { Uplink } from "./uplink.ts"

/** What outboxes are made with. */
export interface OutboxesOptions {
  readonly node: NodeId
  readonly uplink: Pick<Uplink, "publish">
  /** To nodes of this machine. */
  readonly shortcuts?: Shortcuts | undefined
  readonly clock: Clock
  readonly counters: ClusterCounters
  readonly log: ClusterLog
  /** Milliseconds a relay waits for Redis before it is given up. */
  readonly waitMs: number
  /** Number of the batch before the first: 0, but for tests of large numbers. */
  readonly lastBatch: number
  /** The name of a node's channel in a partition. */
  channelOf(partition: number, node: NodeId): string
  onFailed(relay: Relay, ref: Ref, failure: RelayFailure): void
}

/** Relays that travel together. */
interface Batch {
  readonly relays: Relay[]
  /** Of each relay, by its index. */
  readonly refs: Ref[]
  /** UTF-16 units of all texts. */
  size: number
  /** When its first relay was handed in. */
  readonly since: number
  /** Sender of its last relay. */
  lastFrom: PeerId | undefined
  /** Called when it was heard, or given up. */
  readonly onSettled: (() => void)[]
}

interface Outbox {
  readonly partition: number
  readonly node: NodeId
  readonly channel: string
  /** In order; the first may be on its way, the last takes more unless it is full or on its way. */
  readonly batches: Batch[]
  /** The last batch that has something of a sender: a leave asks for it, and must not look through all that waits. */
  readonly lastOf: Map<PeerId, Batch>
  isFirstOnItsWay: boolean
}

// 256 Ki units and 1,000 relays: a batch is then some 100 µs of work for each side, and no batch delays another much.
const BATCH_SIZE = 256 * 1024
const BATCH_RELAYS = 1000

// 64 batches, at most 16 Mi units: what a busy outbox gathers in the 5 s that a relay waits at most.
const MOST_BATCHES = 64

// 32 Mi units in all, 64 MB: two busy outboxes; else one for each of a hundred nodes and partitions would be gigabytes.
const MOST_UNITS = 32 * 1024 * 1024

// 2 s, asking again after 20 ms, then twice as long each time: a node that reconnects subscribes within that.
const SILENCE_MS = 2000
const ASK_AGAIN_MS = 20

/** All relays of this node on their way to other nodes. */
export class Outboxes {
  readonly #options: OutboxesOptions
  readonly #boxes = new Map<number, Map<NodeId, Outbox>>()
  /** Number of the last batch. One count for all outboxes, so that an outbox can be forgotten when it is empty. */
  #number: number
  /** UTF-16 units of all batches. */
  #units = 0

  constructor(options: OutboxesOptions) {
    this.#options = options
    this.#number = options.lastBatch
  }

  /** Sends a relay soon, in order. Tells onFailed when it could not. */
  add(partition: number, node: NodeId, relay: Relay, ref: Ref): void {
    const outbox = this.#boxes.get(partition)?.get(node) ?? this.#open(partition, node)
    let batch = outbox.batches.at(-1)
    const isOpen = batch !== undefined && !(outbox.isFirstOnItsWay && outbox.batches.length === 1)
    if (batch === undefined || !isOpen || batch.size >= BATCH_SIZE || batch.relays.length >= BATCH_RELAYS) {
      if (outbox.batches.length >= MOST_BATCHES || this.#units >= MOST_UNITS) {
        this.#options.counters.relaysOverflowed++
        this.#options.onFailed(relay, ref, "unavailable")
        return
      }
      const since = this.#options.clock.monotonicMs()
      batch = { relays: [], refs: [], size: 0, since, lastFrom: undefined, onSettled: [] }
      outbox.batches.push(batch)
    }
    batch.relays.push(relay)
    batch.refs.push(ref)
    batch.size += relay.text.length
    this.#units += relay.text.length
    if (batch.lastFrom === relay.from) return
    batch.lastFrom = relay.from
    outbox.lastOf.set(relay.from, batch)
  }

  /** Resolves when all relays of `from` handed in before are heard or given up; undefined when there are none. */
  settled(partition: number, from: PeerId): Promise<unknown> | undefined {
    const boxes = this.#boxes.get(partition)
    if (boxes === undefined) return undefined
    const last: Promise<void>[] = []
    for (const { lastOf } of boxes.values()) {
      const batch = lastOf.get(from)
      if (batch !== undefined) last.push(new Promise((resolve) => batch.onSettled.push(resolve)))
    }
    return last.length === 0 ? undefined : Promise.all(last)
  }

  /** Resolves when everything handed in before is heard or given up. */
  async drained(): Promise<void> {
    const last: Promise<void>[] = []
    for (const boxes of this.#boxes.values()) {
      for (const { batches } of boxes.values()) {
        last.push(new Promise((resolve) => batches.at(-1)?.onSettled.push(resolve) ?? resolve()))
      }
    }
    await Promise.all(last)
  }

  #open(partition: number, node: NodeId): Outbox {
    const outbox: Outbox = {
      partition,
      node,
      channel: this.#options.channelOf(partition, node),
      batches: [],
      lastOf: new Map(),
      isFirstOnItsWay: false,
    }
    const boxes = this.#boxes.get(partition) ?? new Map<NodeId, Outbox>()
    this.#boxes.set(partition, boxes.set(node, outbox))
    const forget = (): void => {
      boxes.delete(node)
      if (boxes.size === 0) this.#boxes.delete(partition)
    }
    this.#options.clock.soon(() => this.#empty(outbox, forget))
    return outbox
  }

  /** Sends batch after batch until nothing is left, and forgets the outbox at that very moment: nobody adds to it later. */
  async #empty(outbox: Outbox, forget: () => void): Promise<void> {
    const { clock } = this.#options
    let silentSince: number | undefined
    for (;;) {
      const batch = outbox.batches[0]
      if (batch === undefined) return forget()
      outbox.isFirstOnItsWay = true
      const error = await this.#send(outbox, batch, silentSince)
      silentSince = error === "peer_unreachable" ? (silentSince ?? clock.monotonicMs() - SILENCE_MS) : undefined
      outbox.batches.shift()
      outbox.isFirstOnItsWay = false
      if (error !== undefined) this.#fail(batch, error)
      this.#settle(outbox, batch)
    }
  }

  /** Sends one batch: undefined when it was heard, else the error for its senders. Never throws: a leave waits for it. */
  async #send(to: Outbox, batch: Batch, silentSince: number | undefined): Promise<RelayFailure | undefined> {
    const { counters, log } = this.#options
    try {
      if (!(await this.#isHeard(to, batch, silentSince))) return "peer_unreachable"
    } catch (error) {
      if (error instanceof StoreUnavailable) return "unavailable"
      counters.batchesFailed++
      log.warn("bug: a batch of relays could not be sent", { error: toText(error) })
      return "unavailable"
    }
    counters.batchesSent++
    counters.relaysSent += batch.relays.length
    return undefined
  }

  /** Whether the other node has it: by the short way, or at last over Redis. */
  async #isHeard(to: Outbox, { relays, since }: Batch, silentSince: number | undefined): Promise<boolean> {
    const { node, uplink, shortcuts, clock, counters, waitMs } = this.#options
    const number = ++this.#number
    const message = encodeRelays(node, number, relays)
    if (shortcuts !== undefined && (await shortcuts.send(to.partition, to.node, relays, message))) {
      counters.relaysNear += relays.length
      return true
    }
    let silent = silentSince
    for (let askAgainMs = ASK_AGAIN_MS; ; askAgainMs *= 2) {
      if ((await uplink.publish(to.channel, message, since + waitMs)) > 0) break
      silent ??= clock.monotonicMs()
      const leftMs = silent + SILENCE_MS - clock.monotonicMs()
      if (leftMs <= 0) return false
      await sleep(clock, Math.min(askAgainMs, leftMs))
    }
    shortcuts?.wentOverRedis(to.partition, to.node, number)
    return true
  }

  #fail({ relays, refs }: Batch, error: RelayFailure): void {
    const { counters, log, onFailed } = this.#options
    if (error === "peer_unreachable") counters.relaysUnreachable += relays.length
    else counters.relaysUnavailable += relays.length
    try {
      for (const [at, relay] of relays.entries()) onFailed(relay, refs[at], error)
    } catch (cause) {
      log.warn("bug: a sender could not be told", { error: toText(cause) })
    }
  }

  #settle({ lastOf }: Outbox, batch: Batch): void {
    this.#units -= batch.size
    let before: PeerId | undefined
    for (const { from } of batch.relays) {
      if (from !== before && lastOf.get(from) === batch) lastOf.delete(from)
      before = from
    }
    for (const onSettled of batch.onSettled) onSettled()
  }
}
