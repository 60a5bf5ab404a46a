// All connections of this node: who is open, what they may do, and what they have counted.

import { type Clock, SYSTEM_CLOCK } from "../clock.ts"
import type { Log } from "../log.ts"
import { type Rates, ratesOf, type Shortage } from "./budget.ts"
import { CLOSE, type Close } from "./close.ts"
import type { Connection, ConnectionLimits, ConnectionOwner } from "./connection.ts"
import { type ConnectionCounters, makeConnectionCounters, type Refusal } from "./counters.ts"
import { Liveness } from "./liveness.ts"
import { Lobby } from "./lobby.ts"
import { Memory } from "./memory.ts"
import { type Place, Places } from "./places.ts"
import { Turns } from "./turns.ts"

/** 0.9 of the places: from there on those whose clients are in no room make place, before a member to be finds none. */
const NEARLY_FULL_PART = 0.9

/** Told of connections, after it happened. */
export interface ConnectionObserver {
  readonly connected?: ((id: string) => void) | undefined
  readonly disconnected?: ((id: string) => void) | undefined
}

/** What all connections together may do, besides what each may. */
export interface NodeLimits extends ConnectionLimits {
  /** Most open ones; 0 is no limit. */
  readonly maxConnections: number
  /** Seconds after which one whose client is in no room is closed; 0 is never. */
  readonly joinSeconds: number
  /** Most that is kept for all of them, in bytes. */
  readonly memoryBytes: number
}

/** What connections are made with. */
export interface ConnectionsParts {
  readonly limits: NodeLimits
  readonly log: Log
  readonly observer?: ConnectionObserver | undefined
  /** Told of who is refused for what all from its address have used up. */
  readonly onPlaceRefused?: ((place: Place, reason: Refusal) => void) | undefined
  readonly clock?: Clock
}

/** See the head of this file. */
export class Connections implements ConnectionOwner {
  readonly limits: NodeLimits
  readonly log: Log
  readonly liveness: Liveness
  readonly counters: ConnectionCounters = makeConnectionCounters()
  readonly rates: Rates
  readonly places: Places
  readonly turns: Turns
  readonly memory: Memory
  readonly #lobby: Lobby
  readonly #observer: ConnectionObserver
  readonly #onPlaceRefused: (place: Place, reason: Refusal) => void
  readonly #clock: Clock
  readonly #open = new Map<string, Connection>()
  readonly #parting = new Map<Connection, Close>()

  constructor({ limits, log, observer = {}, onPlaceRefused = () => {}, clock = SYSTEM_CLOCK }: ConnectionsParts) {
    this.limits = limits
    this.log = log
    this.#observer = observer
    this.#onPlaceRefused = onPlaceRefused
    this.#clock = clock
    this.liveness = new Liveness(clock)
    this.rates = ratesOf(limits)
    this.places = new Places(limits, this.liveness, clock)
    this.turns = new Turns(clock)
    this.memory = new Memory(limits.memoryBytes, this.counters)
    this.#lobby = new Lobby(limits.joinSeconds, this.counters, clock)
  }

  /** The open ones, by id. */
  get open(): ReadonlyMap<string, Connection> {
    return this.#open
  }

  /** Whether there is no place for another. */
  get isFull(): boolean {
    const { maxConnections } = this.limits
    return maxConnections > 0 && this.#open.size >= maxConnections
  }

  /** Begins to look for the silent ones, and for those that are too much. */
  start(): void {
    const { liveness, memory, places } = this
    liveness.start(this.#open, this.limits, this.counters, {
      onTick: () => {
        memory.onTick(liveness.tick)
        this.#keepPlaces()
      },
      onLook: () => {
        places.sweep()
        this.#lobby.look(liveness.tick)
      },
    })
  }

  add(connection: Connection): void {
    this.counters.opened++
    this.#open.set(connection.id, connection)
    connection.place.connections++
    this.#lobby.add(connection, this.liveness.tick)
    this.#observer.connected?.(connection.id)
  }

  remove(connection: Connection, code: number): void {
    // One that was refused, as another has its id, was never added.
    if (this.#open.get(connection.id) !== connection) return
    this.#open.delete(connection.id)
    connection.place.connections--
    this.#lobby.remove(connection)
    connection.receiver.onClose(code)
    this.#observer.disconnected?.(connection.id)
  }

  /** Counts what is refused. */
  countRefused(reason: Refusal, place: Place | undefined): void {
    this.counters.refused[reason]++
    if (place !== undefined) this.#onPlaceRefused(place, reason)
  }

  onRefused(shortage: Shortage, place: Place | undefined): void {
    this.countRefused(place === undefined ? shortage : `address_${shortage}`, place)
  }

  part(connection: Connection, close: Close): void {
    if (this.#parting.size === 0) this.#clock.soon(() => this.#partAll())
    if (this.#parting.has(connection)) return
    this.#parting.set(connection, close)
    if (close === CLOSE.tooSlow) this.counters.closedTooSlow++
  }

  #partAll(): void {
    const parting = [...this.#parting]
    this.#parting.clear()
    for (const [connection, close] of parting) connection.part(close)
  }

  /** Makes place for those who are to come. */
  #keepPlaces(): void {
    const { maxConnections } = this.limits
    if (maxConnections === 0) return
    const over = this.#open.size - Math.floor(maxConnections * NEARLY_FULL_PART)
    if (over > 0) this.#lobby.makeRoom(over, this.liveness.tick)
  }
}
