// Relays from room to room, for dialects in which every peer is a room of its own: whoever sends is no member where the
// message goes. Who may send what to whom, the dialect answers for; here messages are passed on, counted and shown to
// the observer. Between nodes they travel as all relays do, in order with the events of the target's room.

import type { RoomCounters } from "./counters.ts"
import type { NodeId, PeerId, RoomKey } from "./ids.ts"
import type { Membership } from "./membership.ts"
import type { RoomObserver } from "./observer.ts"
import type { Relay, RoomStore } from "./room-store.ts"
import type { RoomTracer } from "./tracer.ts"

/** Begins, in place of a peer in a relay, the place for which a dialect listens at that node. No peer id looks like it. */
const TO_PLACE = "!"

/** Whether a relay is for a dialect, and not for a peer of its room. */
export function isForDialect({ to }: Relay): boolean {
  return to.startsWith(TO_PLACE)
}

/** A place at every node where a dialect hears what it says there from other nodes. */
export interface Place {
  /** `from`: the node that says it. */
  onTold(room: RoomKey, from: NodeId, text: string): void
  /** What was said there did not arrive, as the node is gone or Redis stayed away. */
  onFailed(room: RoomKey, text: string): void
}

/** What they are made of. */
export interface CrossRelaysParts {
  readonly store: RoomStore
  readonly counters: RoomCounters
  readonly observer: RoomObserver
  readonly tracer: RoomTracer | undefined
}

/** See the head of this file. */
export class CrossRelays {
  readonly #parts: CrossRelaysParts
  readonly #places = new Map<string, Place>()

  constructor(parts: CrossRelaysParts) {
    this.#parts = parts
  }

  /** Opens a place at this node; its name begins with the dialect's. @returns by what it is told at other nodes */
  listen(name: string, place: Place): PeerId {
    const to = (TO_PLACE + name) as PeerId
    this.#places.set(to, place)
    return to
  }

  /** Passes a frame to a member at this node. */
  deliver(from: PeerId, to: Membership, text: string): void {
    const { counters, observer, tracer } = this.#parts
    counters.relaysLocal++
    tracer?.relayed(to.room.key, from, to.peer, text)
    to.room.sendTo(to, text)
    observer.relayed?.(from, to.peer, text.length)
  }

  /** Counts a frame from one peer to another that is said to the node of that one. */
  passed(from: PeerId, to: PeerId, text: string): void {
    const { counters, observer } = this.#parts
    counters.relaysRemote++
    observer.relayed?.(from, to, text.length)
  }

  /** Says something to a place at another node, which need not know the room whose channel carries it. */
  tell(node: NodeId, to: PeerId, room: RoomKey, text: string): void {
    const { store } = this.#parts
    store.relay(node, { room, from: store.node as string as PeerId, to, text }, undefined)
  }

  /** Another node has said it. */
  onRelay({ room, from, to, text }: Relay): void {
    const place = this.#places.get(to)
    if (place === undefined) this.#parts.counters.relaysDropped++
    else place.onTold(room, from as string as NodeId, text)
  }

  /** It did not arrive. */
  onRelayFailed({ room, to, text }: Relay): void {
    this.#places.get(to)?.onFailed(room, text)
  }
}
