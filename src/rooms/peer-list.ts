// What a room keeps of each of its peers at this node, by peer. Most rooms are small and there are many of them: a Map
// with one entry takes 256 bytes, this 80.

import type { PeerId } from "./ids.ts"

/** 8: to look through so few is as quick as a Map. */
const FEW = 8

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

  delete(peer: PeerId): void {
    const at = this.#items.findIndex((item) => item.peer === peer)
    if (at < 0) return
    this.#items.splice(at, 1)
    if (this.#items.length > FEW) this.#index?.delete(peer)
    else this.#index = undefined
  }

  /** All of them, in the order in which they came. */
  values(): readonly Item[] {
    return this.#items
  }
}
