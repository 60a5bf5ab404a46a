// What the store tells this node, handed to whom it concerns: the room, the sender, the observer.

import { NOBODY_ASKED, TO_PLUGIN } from "./announcer.ts"
import type { RoomCounters } from "./counters.ts"
import { type CrossRelays, isForDialect } from "./cross-relays.ts"
import type { RoomObserver } from "./observer.ts"
import type { Redirects } from "./redirects.ts"
import type { RoomRegistry } from "./registry.ts"
import type { Repairs } from "./repairs.ts"
import type { Relay, RoomListener } from "./room-store.ts"
import type { RoomTracer } from "./tracer.ts"

/** Whom it concerns. */
export interface ListenerParts {
  readonly registry: RoomRegistry
  readonly repairs: Repairs
  readonly counters: RoomCounters
  readonly observer: RoomObserver
  readonly tracer: RoomTracer | undefined
  readonly crossRelays: CrossRelays
  readonly redirects: Redirects
  /** A message of a plug-in at another node, for its like here. */
  readonly onTold: (relay: Relay) => void
}

/** See the head of this file. */
export function makeListener(parts: ListenerParts): RoomListener {
  const { registry, repairs, counters, observer, tracer, crossRelays, redirects, onTold } = parts
  return {
    onRoomEvent(key, event) {
      const room = registry.get(key)
      if (room !== undefined) room.onEvent(event)
      else repairs.onStrayEvent(key, event)
    },
    onRelay(relay) {
      if (relay.to.startsWith(TO_PLUGIN)) return onTold(relay)
      if (isForDialect(relay)) return crossRelays.onRelay(relay)
      if (redirects.take(relay)) return
      const room = registry.get(relay.room)
      if (room === undefined) counters.relaysDropped++
      else room.onRelay(relay)
    },
    onRelayFailed(relay, ref, failure) {
      if (isForDialect(relay)) return crossRelays.onRelayFailed(relay)
      const { room, from } = relay
      if (ref === NOBODY_ASKED) return
      tracer?.happened(room, from, "unreachable", failure)
      registry.get(room)?.here.get(from)?.holder.onRelayFailed(ref, failure)
    },
    onRoomOpened(room) {
      counters.roomsOpened++
      observer.roomOpened?.(room)
    },
    onSwept(room, peer, stayedMs) {
      observer.left?.(peer, room, stayedMs)
      tracer?.happened(room, peer, "left", "its node is dead")
    },
    onRoomClosed(room, peak, openMs) {
      counters.roomsClosed++
      observer.roomClosed?.(room, peak, openMs)
      counters.onRoomClosed(peak, openMs)
    },
    onResync: () => repairs.restoreAll(),
  }
}
