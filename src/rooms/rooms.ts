// The rooms of one node, put together: the store below, the dialects above.

import { type Clock, SYSTEM_CLOCK } from "../clock.ts"
import type { Log } from "../log.ts"
import { Announcer } from "./announcer.ts"
import { RoomCommands } from "./commands.ts"
import { makeRoomCounters, type RoomCounters } from "./counters.ts"
import { CrossRelays } from "./cross-relays.ts"
import type { RoomEncoder } from "./encoder.ts"
import { makeIdentityOf, type SameIdentity } from "./identities.ts"
import type { NodeId, RoomKey } from "./ids.ts"
import { makeListener } from "./listener.ts"
import type { RoomObserver } from "./observer.ts"
import { type FormerMember, readmit } from "./readmission.ts"
import { Redirects } from "./redirects.ts"
import { RoomRegistry } from "./registry.ts"
import { Repairs } from "./repairs.ts"
import type { Lock, Relay, RoomStore } from "./room-store.ts"
import type { Topics } from "./topics.ts"
import type { RoomTracer } from "./tracer.ts"

/** What they are made of. */
export interface RoomsParts {
  readonly store: RoomStore
  readonly topics: Topics
  readonly log: Log
  readonly observer?: RoomObserver | undefined
  /** Told what happens in rooms; undefined when nobody wants to know. */
  readonly tracer?: RoomTracer | undefined
  readonly onTold?: ((relay: Relay) => void) | undefined
  /** "allow" if not given. */
  readonly sameIdentity?: SameIdentity | undefined
  readonly clock?: Clock
}

/** See the head of this file. */
export interface Rooms {
  /** This node, as members are marked with it. */
  readonly node: NodeId
  readonly counters: RoomCounters
  readonly registry: RoomRegistry
  readonly commands: RoomCommands
  readonly announcer: Announcer
  readonly crossRelays: CrossRelays
  readonly redirects: Redirects
  readonly tracer: RoomTracer | undefined
  /** The nodes that live; see RoomStore.nodes. */
  nodes(): Promise<ReadonlyMap<NodeId, number>>
  /** Connects the store; resolves when it can be used. */
  start(): Promise<void>
  /** Puts members back in who were in a room when the process before this one ended; see readmission.ts. */
  readmit(room: RoomKey, encoder: RoomEncoder, members: readonly FormerMember[], lock?: Lock): Promise<void>
  /** Whether there are memberships whose clients are away and may come back. */
  readonly hasHeld: boolean
  /** Leaves every room; with `keepsHeld`, such memberships stay. */
  leaveAll(keepsHeld?: boolean): Promise<void>
  /** Gives the store up, after at most `withinMs` milliseconds; see RoomStore.close. */
  close(withinMs: number, keepsMembers?: boolean): Promise<void>
}

/** Puts them together. */
export function makeRooms(parts: RoomsParts): Rooms {
  const { store, topics, log, observer = {}, tracer, onTold, sameIdentity = "allow", clock = SYSTEM_CLOCK } = parts
  const counters = makeRoomCounters()
  const registry: RoomRegistry = new RoomRegistry({
    node: store.node,
    clock,
    topics,
    counters,
    observer,
    tracer,
    repair: (room) => repairs.repair(room),
    reclaim: (room) => void repairs.restore(room),
    drop: (room) => registry.dropIfUnused(room),
  })
  const repairs = new Repairs({ store, registry, clock, counters, log })
  const crossRelays = new CrossRelays({ store, counters, observer, tracer })
  const redirects = new Redirects()
  const identityOf = makeIdentityOf(sameIdentity)
  const commands = new RoomCommands({ store, registry, repairs, topics, identityOf, clock, counters, observer, tracer })
  return {
    node: store.node,
    counters,
    registry,
    commands,
    announcer: new Announcer(store),
    crossRelays,
    redirects,
    tracer,
    readmit: (room, encoder, members, lock) => readmit({ store, registry, identityOf }, room, encoder, members, lock),
    get hasHeld() {
      return [...registry.values()].some(({ here }) => here.values().some(({ holder }) => holder.isHeld === true))
    },
    nodes: () => store.nodes(),
    start: () =>
      store.start(
        makeListener({
          ...{ registry, repairs, counters, observer, tracer, crossRelays, redirects },
          onTold: onTold ?? (() => {}),
        }),
      ),
    leaveAll: (keepsHeld) => commands.close(keepsHeld),
    async close(withinMs, keepsMembers) {
      repairs.close()
      await store.close(withinMs, keepsMembers)
      registry.close()
    },
  }
}
