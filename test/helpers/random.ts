// Chance that can be repeated: everything random in a simulated run is drawn from one of these, in order.

/** A seeded source of chance (mulberry32: 32 bits of state, good enough to choose what to do next). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number, at least 0, below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  /** True so many times out of one. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One of them; undefined when there is none. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)]
  }

  /** One of the keys, each as likely as its weight says. */
  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key {
    const entries = Object.entries(weights) as [Key, number][]
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [key, weight] of entries) {
      left -= weight
      if (left < 0) return key
    }
    return (entries[0] as [Key, number])[0]
  }

  /** Other weights for the same keys: each run likes some things more than others, so rare mixtures come up too. */
  mixed<Weights extends Record<string, number>>(weights: Weights): Weights {
    return Object.fromEntries(
      Object.entries(weights).map(([key, weight]) => [key, weight * this.next() ** 2]),
    ) as Weights
  }
}
