// What a room keeps of each of its peers, by peer, in the order in which they came. Most rooms are small and there are many
// of them: a Map with two entries takes 740 bytes, this 100.

import type { PeerId } from "./ids.ts"

/** 8: to look through so few is as quick as a Map. */
const FEW = 8

/** One that only its owner changes. */
export type ReadonlyPeerList<Item extends { readonly peer: PeerId }> = Pick<
  PeerList<Item>,
  "get" | "has" | "keys" | "size" | "values"
>

/** See the head of this file. */
export class PeerList<Item extends { readonly peer: PeerId }> {
  readonly #items: Item[] = []
  /** Made when there are more than a few. */
  #index: Map<PeerId, Item> | undefined

  get size(): number {
    return this.#items.length
  }

  get(peer: PeerId): Item | undefined {
    if (this.#index !== undefined) return this.#index.get(peer)
    for (const item of this.#items) if (item.peer === peer) return item
    return undefined
  }

  has(peer: PeerId): boolean {
    return this.get(peer) !== undefined
  }

  /** Adds one whose peer is not there. */
  add(item: Item): void {
    this.#items.push(item)
    if (this.#items.length <= FEW) return
    this.#index ??= new Map(this.#items.map((each) => [each.peer, each]))
    this.#index.set(item.peer, item)
  }

  /** Puts one in the place of the one of the same peer; behind all others if there is none. */
  set(item: Item): void {
    const known = this.get(item.peer)
    if (known === undefined) this.add(item)
    else {
      this.#items[this.#items.indexOf(known)] = item
      this.#index?.set(item.peer, item)
    }
  }

  delete(peer: PeerId): void {
    const known = this.get(peer)
    if (known === undefined) return
    this.#items.splice(this.#items.indexOf(known), 1)
    if (this.#items.length > FEW) this.#index?.delete(peer)
    else this.#index = undefined
  }

  /** The peers of all of them. */
  keys(): PeerId[] {
    return this.#items.map(({ peer }) => peer)
  }

  /** All of them, in the order in which they came. */
  values(): readonly Item[] {
    return this.#items
  }
}
