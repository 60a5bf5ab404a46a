// How much a second: from the totals of two looks. A node that was not there at the look before has no rate yet.

import type { NodeReport, Totals } from "./api.ts"

/** Per second; `cpu` in parts of one core. */
export interface Rates {
  readonly cpu: number
  readonly joins: number
  readonly relays: number
  readonly errors: number
}

/** All nodes together at one look. */
export interface Figures {
  readonly connections: number
  readonly members: number
  readonly rooms: number
  readonly joins: number
  readonly relays: number
  readonly errors: number
}

/** 90 looks, of two seconds each: three minutes of lines behind the figures. */
const MOST_LOOKS = 90

/** See the head of this file. */
export class RateMeter {
  #before = new Map<string, { readonly totals: Totals; readonly at: number }>()
  readonly history: Figures[] = []

  /** The rates of each node since the look before; `at` in milliseconds. `rooms`: of all nodes, each counted once. */
  look(nodes: readonly NodeReport[], rooms: number, at: number): ReadonlyMap<string, Rates> {
    const rates = new Map<string, Rates>()
    for (const { node, totals } of nodes) {
      const before = this.#before.get(node)
      if (before === undefined || at <= before.at) continue
      const perSecond = (now: number, then: number) => Math.max(0, ((now - then) * 1000) / (at - before.at))
      rates.set(node, {
        cpu: perSecond(totals.cpu_seconds, before.totals.cpu_seconds),
        joins: perSecond(totals.joins, before.totals.joins),
        relays: perSecond(totals.relays, before.totals.relays),
        errors: perSecond(totals.errors, before.totals.errors),
      })
    }
    this.#before = new Map(nodes.map(({ node, totals }) => [node, { totals, at }]))
    const sum = <T>(all: Iterable<T>, read: (one: T) => number) => [...all].reduce((total, one) => total + read(one), 0)
    this.history.push({
      connections: sum(nodes, (node) => node.connections),
      members: sum(nodes, (node) => node.members),
      rooms,
      joins: sum(rates.values(), (rate) => rate.joins),
      relays: sum(rates.values(), (rate) => rate.relays),
      errors: sum(rates.values(), (rate) => rate.errors),
    })
    if (this.history.length > MOST_LOOKS) this.history.shift()
    return rates
  }
}
