// All connections of this node: who is open, what they may do, and what they have counted.

import { type Clock, SYSTEM_CLOCK } from "../clock.ts"
import type { Log } from "../log.ts"
import type { Connection, ConnectionLimits, ConnectionOwner } from "./connection.ts"
import { type ConnectionCounters, makeConnectionCounters } from "./counters.ts"
import { Liveness } from "./liveness.ts"

/** Told of connections, after it happened. */
export interface ConnectionObserver {
  readonly connected?: ((id: string) => void) | undefined
  readonly disconnected?: ((id: string) => void) | undefined
}

/** What connections are made with. */
export interface ConnectionsParts {
  readonly limits: ConnectionLimits
  readonly log: Log
  readonly observer?: ConnectionObserver | undefined
  readonly clock?: Clock
}

/** See the head of this file. */
export class Connections implements ConnectionOwner {
  readonly limits: ConnectionLimits
  readonly log: Log
  readonly liveness: Liveness
  readonly counters: ConnectionCounters = makeConnectionCounters()
  readonly #observer: ConnectionObserver
  readonly #open = new Map<string, Connection>()

  constructor({ limits, log, observer = {}, clock = SYSTEM_CLOCK }: ConnectionsParts) {
    this.limits = limits
    this.log = log
    this.#observer = observer
    this.liveness = new Liveness(clock)
  }

  /** The open ones, by id. */
  get open(): ReadonlyMap<string, Connection> {
    return this.#open
  }

  /** Begins to look for the silent ones. */
  start(): void {
    this.liveness.start(this.#open, this.limits, this.counters)
  }

  add(connection: Connection): void {
    this.counters.opened++
    this.#open.set(connection.id, connection)
    this.#observer.connected?.(connection.id)
  }

  remove(connection: Connection, code: number): void {
    // One that was refused, as another has its id, was never added.
    if (this.#open.get(connection.id) !== connection) return
    this.#open.delete(connection.id)
    connection.receiver.onClose(code)
    this.#observer.disconnected?.(connection.id)
  }
}
