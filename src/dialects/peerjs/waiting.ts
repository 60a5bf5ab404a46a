// Messages that wait for a peer that is not there, or whose node is being looked for: bounded for each peer they are for,
// for each sender, and in all.

import type { PeerId } from "../../rooms/ids.ts"

/** 256 messages of one sender: the calls of one client to a score of absent peers, with all their candidates. */
const OF_SENDER = 256

/** 2,048 messages for one peer: some hundred clients that call a host who is just coming back. */
const FOR_PEER = 2_048

/** 20,000 messages and 16 Mi characters in all: what a node may give to who is not there. */
const IN_ALL = 20_000
const CHARACTERS_IN_ALL = 16 * 1024 * 1024

/** Who sends, as far as the way of a message needs it. */
export interface Sender {
  /** The id by which PeerJS clients know it. */
  readonly id: string
  /** The id by which its room knows it. */
  readonly peer: PeerId
  /** Messages of it that wait. */
  waiting: number
}

/** A message on its way. */
export interface Message {
  readonly sender: Sender
  /** Whether it may be kept for who is not there. */
  readonly isImportant: boolean
  readonly text: string
}

/** All that waits at a node. */
export class WaitingRoom {
  #messages = 0
  #characters = 0

  /** How many messages wait. */
  get size(): number {
    return this.#messages
  }

  /** What they take in memory, at most: UTF-16. */
  get bytes(): number {
    return this.#characters * 2
  }

  /** Lets a message wait as the last. @returns false when there is no place for it */
  add(list: Message[], message: Message): boolean {
    const { sender, text } = message
    if (sender.waiting >= OF_SENDER || list.length >= FOR_PEER || this.#messages >= IN_ALL) return false
    if (this.#characters + text.length > CHARACTERS_IN_ALL) return false
    sender.waiting++
    this.#messages++
    this.#characters += text.length
    list.push(message)
    return true
  }

  /** Takes all of them out. */
  empty(list: Message[]): Message[] {
    const all = list.splice(0)
    for (const { sender, text } of all) {
      sender.waiting--
      this.#messages--
      this.#characters -= text.length
    }
    return all
  }
}
