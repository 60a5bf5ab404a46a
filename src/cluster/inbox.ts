// What other nodes and the scripts say on this node's channels, handed to the listener in the order of the channel.
// A batch of relays that comes a second time, because its sender never heard that it arrived, is dropped here.

import type { NodeId } from "../rooms/ids.ts"
import type { RoomListener } from "../rooms/room-store.ts"
import type { ClusterCounters } from "./counters.ts"
import { decodeNodeMessage } from "./node-message.ts"
import type { Nodes } from "./nodes.ts"

// 1,000 senders a partition: the nodes of a deployment and their predecessors; the oldest is forgotten.
const MOST_SENDERS = 1000

/** Reads this node's channels. */
export class Inbox {
  readonly #counters: ClusterCounters
  readonly #listener: RoomListener
  readonly #nodes: Nodes
  /** Number of the last batch by partition and sender. */
  readonly #last = new Map<number, Map<NodeId, number>>()

  constructor(listener: RoomListener, nodes: Nodes, counters: ClusterCounters) {
    this.#listener = listener
    this.#nodes = nodes
    this.#counters = counters
  }

  /** Takes one message. */
  hear(partition: number, bytes: Buffer): void {
    const message = decodeNodeMessage(bytes)
    if (message === undefined) {
      this.#counters.framesBroken++
    } else if (message === "unknown") {
      this.#counters.framesUnknown++
    } else if (message.kind === "events") {
      this.#counters.eventsReceived += message.events.length
      this.#counters.framesUnknown += message.unknown
      for (const event of message.events) {
        if ("member" in event) this.#nodes.heard(event.member.node)
        this.#listener.onRoomEvent(message.room, event)
      }
    } else if (this.#isRepeated(partition, message.sender, message.number)) {
      this.#counters.batchesRepeated++
    } else {
      this.#nodes.heard(message.sender)
      this.#counters.batchesReceived++
      this.#counters.relaysReceived += message.relays.length
      for (const relay of message.relays) this.#listener.onRelay(relay)
    }
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
