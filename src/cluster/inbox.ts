// What other nodes and the scripts say on this node's channels, handed to the listener in the order of the channel; and what
// nodes of this machine send the short way, behind what they sent by the channel before. A batch of relays that comes a
// second time, because its sender never heard that it arrived, is dropped here.

import type { Clock } from "../clock.ts"
import type { NodeId } from "../rooms/ids.ts"
import type { RoomListener } from "../rooms/room-store.ts"
import type { ClusterCounters } from "./counters.ts"
import { decodeNearBatch } from "./neighbours.ts"
import { decodeNodeMessage, type EventsOfRoom, type NodeMessage } from "./node-message.ts"
import type { Nodes } from "./nodes.ts"

// 1,000 senders a partition: the nodes of a deployment and their predecessors; the oldest is forgotten.
const MOST_SENDERS = 1000

// 1 s: what went over Redis before is here in milliseconds; what is lost does not come, and then the batch goes that way, too.
const BEHIND_MS = 1000

/** A batch that came the short way has to wait for another. */
interface Waiting {
  readonly partition: number
  readonly sender: NodeId
  readonly behind: number
  readonly proceed: () => void
}

/** Reads what comes for this node. */
export class Inbox {
  readonly #counters: ClusterCounters
  readonly #listener: RoomListener
  readonly #nodes: Nodes
  readonly #clock: Clock
  /** One a neighbour at most, as each sends the next when this one is taken. */
  readonly #waiting = new Set<Waiting>()
  /** Number of the last batch by partition and sender. */
  readonly #last = new Map<number, Map<NodeId, number>>()

  constructor(listener: RoomListener, nodes: Nodes, counters: ClusterCounters, clock: Clock) {
    this.#listener = listener
    this.#nodes = nodes
    this.#counters = counters
    this.#clock = clock
  }

  /** Takes one message. */
  hear(partition: number, bytes: Buffer): void {
    const message = decodeNodeMessage(bytes)
    if (message === undefined) {
      this.#counters.framesBroken++
    } else if (message === "unknown") {
      this.#counters.framesUnknown++
    } else if (message.kind === "events") {
      for (const ofRoom of message.rooms) this.#hearEvents(ofRoom)
    } else {
      this.#take(partition, message)
      for (const waiting of this.#waiting) if (this.#isNext(waiting)) waiting.proceed()
    }
  }

  #hearEvents({ room, events, unknown }: EventsOfRoom): void {
    this.#counters.eventsReceived += events.length
    this.#counters.framesUnknown += unknown
    for (const event of events) {
      if ("member" in event) this.#nodes.heard(event.member.node)
      this.#listener.onRoomEvent(room, event)
    }
  }

  /** Takes what a node of this machine sent the short way. Rejects when the way is of no use. */
  hearNear(frame: Buffer): Promise<void> | undefined {
    const near = decodeNearBatch(frame)
    if (near === undefined) {
      this.#counters.framesBroken++
      return Promise.reject(new TypeError("a frame that cannot be read"))
    }
    const { partition, behind, batch } = near
    const { sender } = batch
    if (this.#isNext({ partition, sender, behind })) return void this.#take(partition, batch)
    return new Promise((resolve, reject) => {
      const end = (): void => {
        stop()
        this.#waiting.delete(waiting)
      }
      const proceed = (): void => {
        end()
        resolve()
        this.#take(partition, batch)
      }
      const waiting = { partition, sender, behind, proceed }
      this.#waiting.add(waiting)
      const stop = this.#clock.after(BEHIND_MS, () => {
        end()
        reject(new Error("what went over Redis before did not come"))
      })
    })
  }

  #isNext({ partition, sender, behind }: Omit<Waiting, "proceed">): boolean {
    return behind <= (this.#last.get(partition)?.get(sender) ?? 0)
  }

  #take(partition: number, { sender, number, relays }: Extract<NodeMessage, { kind: "relays" }>): void {
    if (this.#isRepeated(partition, sender, number)) {
      this.#counters.batchesRepeated++
      return
    }
    this.#nodes.heard(sender)
    this.#counters.batchesReceived++
    this.#counters.relaysReceived += relays.length
    for (const relay of relays) this.#listener.onRelay(relay)
  }

  #isRepeated(partition: number, sender: NodeId, number: number): boolean {
    let senders = this.#last.get(partition)
    if (senders === undefined) {
      senders = new Map()
      this.#last.set(partition, senders)
    }
    if (number <= (senders.get(sender) ?? 0)) return true
    senders.set(sender, number)
    if (senders.size > MOST_SENDERS) {
      for (const oldest of senders.keys()) {
        senders.delete(oldest)
        break
      }
    }
    return false
  }
}
