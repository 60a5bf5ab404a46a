// Bun's pub/sub inside one node, as plain objects: a message goes at once to all who are subscribed to its topic now, in
// the order in which they subscribed.

import type { Topics } from "../../src/rooms/topics.ts"

/** Whoever can be sent a text. */
export interface Subscriber {
  send(text: string): void
}

/** See the head of this file. */
export class LocalTopics implements Topics {
  readonly #subscribers = new Map<string, Set<Subscriber>>()

  publish(topic: string, text: string): boolean {
    for (const subscriber of [...(this.#subscribers.get(topic) ?? [])]) subscriber.send(text)
    return false
  }

  subscribe(topic: string, subscriber: Subscriber): void {
    const known = this.#subscribers.get(topic)
    if (known === undefined) this.#subscribers.set(topic, new Set([subscriber]))
    else known.add(subscriber)
  }

  unsubscribe(topic: string, subscriber: Subscriber): void {
    const known = this.#subscribers.get(topic)
    if (known?.delete(subscriber) && known.size === 0) this.#subscribers.delete(topic)
  }

  /** Topics that have subscribers. */
  get size(): number {
    return this.#subscribers.size
  }

  /** The connection is gone: it hears of no topic any more. */
  drop(subscriber: Subscriber): void {
    for (const topic of [...this.#subscribers.keys()]) this.unsubscribe(topic, subscriber)
  }
}
