// What a node keeps for its connections, against one total: messages that wait to be taken, frames that wait to be read or
// are not whole yet, logs and queues of others. Looked at once a tick; over the total, those that are parted from go first,
// then of the place for which most is kept the connection for which most is. What nothing is kept for is not looked at.

import { CLOSE, type Close } from "./close.ts"
import type { ConnectionCounters } from "./counters.ts"

/** 0.9 of the total: shedding goes that far, so that it is not begun anew at once. */
const ENOUGH_PART = 0.9

/** 3 s, in ticks: who still reads has read its backlog by then, and the reason behind it. */
const PARTING_TICKS = 12

/** Whom something is kept for. */
export interface Keeper {
  /** Where its client is: all that is kept for a place is one share of the total. */
  readonly place: object
  /** Whether it has ended, so that nothing is kept for it. */
  readonly isClosed: boolean
  /** Bytes of messages that wait to be taken. */
  readonly queuedBytes: number
  /** Bytes of frames that wait to be read. */
  readonly unsentBytes: number
  /** Ends it at once, with all that is kept for it. */
  drop(close: Close): void
}

/** A socket that is to be closed once its client has read all. */
export interface Parting {
  getBufferedAmount(): number
  close(code: number, reason: string): void
  terminate?(): void
}

/** See the head of this file. */
export class Memory {
  readonly #limit: number
  readonly #counters: Pick<ConnectionCounters, "closedForMemory">
  /** What others keep, in bytes, each told by itself. */
  readonly #others: (() => number)[] = []
  readonly #keepers = new Set<Keeper>()
  #unfinished: ReadonlyMap<Keeper, number> = new Map()
  readonly #partings = new Map<Parting, { readonly close: Close; readonly until: number }>()
  #bytes = 0

  /** @param limit in bytes; Infinity is no limit */
  constructor(limit: number, counters: Pick<ConnectionCounters, "closedForMemory">) {
    this.#counters = counters
    this.#limit = limit
  }

  /** Bytes kept, at the last look. */
  get bytes(): number {
    return this.#bytes
  }

  /** From here on, what `bytes` says counts. */
  add(bytes: () => number): void {
    this.#others.push(bytes)
  }

  /** Something is kept for it now. */
  watch(keeper: Keeper): void {
    this.#keepers.add(keeper)
  }

  /** Bytes of frames that are not whole, of each for whom there are some: as the runtime keeps them, they are told by others. */
  set unfinished(bytes: ReadonlyMap<Keeper, number>) {
    this.#unfinished = bytes
    for (const keeper of bytes.keys()) this.#keepers.add(keeper)
  }

  /** Closes a socket when its client has read what waits; if it does not within a time, without a word. */
  part(socket: Parting, close: Close, tick: number): void {
    this.#partings.set(socket, { close, until: tick + PARTING_TICKS })
  }

  /** A socket's client has read something, or it is gone. */
  onDrain(socket: Parting): void {
    const parting = this.#partings.size === 0 ? undefined : this.#partings.get(socket)
    if (parting === undefined || socket.getBufferedAmount() > 0) return
    this.#partings.delete(socket)
    socket.close(parting.close.code, parting.close.reason)
  }

  /** A socket is gone. */
  onGone(socket: Parting): void {
    if (this.#partings.size > 0) this.#partings.delete(socket)
  }

  /** Time has passed: sums up, and makes room where it must. */
  onTick(tick: number): void {
    for (const [socket, { until }] of this.#partings) if (tick >= until) this.#terminate(socket)
    this.#sumUp()
    if (this.#bytes > this.#limit) this.#makeRoom()
  }

  #sumUp(): void {
    let bytes = 0
    for (const other of this.#others) bytes += other()
    for (const socket of this.#partings.keys()) bytes += socket.getBufferedAmount()
    for (const keeper of this.#keepers) {
      const kept = this.#keptFor(keeper)
      if (kept === 0) this.#keepers.delete(keeper)
      bytes += kept
    }
    this.#bytes = bytes
  }

  #keptFor(keeper: Keeper): number {
    return keeper.isClosed ? 0 : keeper.queuedBytes + keeper.unsentBytes + (this.#unfinished.get(keeper) ?? 0)
  }

  #makeRoom(): void {
    const enough = this.#limit * ENOUGH_PART
    for (const socket of this.#partings.keys()) {
      if (this.#bytes <= enough) return
      this.#bytes -= socket.getBufferedAmount()
      this.#terminate(socket)
    }
    for (const { keeper, bytes } of byGreed([...this.#keepers], (keeper) => this.#keptFor(keeper))) {
      if (this.#bytes <= enough) return
      this.#bytes -= bytes
      this.#keepers.delete(keeper)
      this.#counters.closedForMemory++
      keeper.drop(keeper.unsentBytes * 2 > bytes ? CLOSE.tooSlow : CLOSE.rateLimited)
    }
  }

  #terminate(socket: Parting): void {
    const close = this.#partings.get(socket)?.close ?? CLOSE.tooSlow
    this.#partings.delete(socket)
    if (socket.terminate === undefined) socket.close(close.code, close.reason)
    else socket.terminate()
  }
}

/** What is kept for one. */
interface Kept {
  readonly keeper: Keeper
  readonly bytes: number
}

/** Whose turn it is to go: each time the greediest of the place for which most is kept without those that were named. */
function* byGreed(keepers: readonly Keeper[], keptFor: (keeper: Keeper) => number): Generator<Kept, void> {
  const kept = keepers.map((keeper) => ({ keeper, bytes: keptFor(keeper) })).sort((a, b) => a.bytes - b.bytes)
  const sum = (all: readonly Kept[]): number => all.reduce((bytes, each) => bytes + each.bytes, 0)
  const shares = [...Map.groupBy(kept, ({ keeper }) => keeper.place).values()]
    .map((of) => ({ of, bytes: sum(of) }))
    .sort((a, b) => a.bytes - b.bytes)
  for (let share = shares.pop(); share !== undefined; share = shares.pop()) {
    const { of } = share
    const next = shares.at(-1)?.bytes ?? 0
    for (let each = of.pop(); each !== undefined; each = share.bytes < next ? undefined : of.pop()) {
      yield each
      share.bytes -= each.bytes
    }
    const { bytes } = share
    if (of.length > 0) shares.splice(shares.findLastIndex((other) => other.bytes <= bytes) + 1, 0, share)
  }
}
