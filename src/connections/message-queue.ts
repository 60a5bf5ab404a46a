// The messages of one connection that wait while a handler waits for the store, or for their turn. Bounded; what does not
// fit is refused by the connection. Taking the first costs the same however many wait: ten thousand joins in one go are
// legal. All that wait of one place are counted there as well.

/** 16,384 messages: a client may send its whole start in one go while a join waits for a slow store (5 s at most). */
const QUEUE_MESSAGES = 16_384

/** 4 Mi characters: the same start in bytes; past it messages are refused, not kept. */
const QUEUE_CHARACTERS = 4 * 1024 * 1024

/** 14,336 messages, or half of the characters: what waits for its turn only leaves room for what waits for the store. */
const LONG_MESSAGES = QUEUE_MESSAGES * 0.875
const LONG_CHARACTERS = QUEUE_CHARACTERS * 0.5

/** 1,024 taken messages: only then the array is worth moving, and by then most of it is taken. */
const COMPACT_MESSAGES = 1_024

/** Bytes: what a text takes besides its characters, and what a character takes at most. */
const TEXT_BYTES = 64
const CHARACTER_BYTES = 2

/** See the head of this file. */
export class MessageQueue {
  readonly #place: { waiting: number }
  readonly #texts: string[] = []
  #next = 0
  #characters = 0

  /** @param place where its messages are counted, with those of other queues */
  constructor(place: { waiting: number }) {
    this.#place = place
  }

  /** Messages in it. */
  get length(): number {
    return this.#texts.length - this.#next
  }

  /** Keeps `text` as the last. @returns false when it does not fit */
  push(text: string): boolean {
    if (this.length >= QUEUE_MESSAGES || this.#characters + text.length > QUEUE_CHARACTERS) return false
    this.#place.waiting++
    this.#texts.push(text)
    this.#characters += text.length
    return true
  }

  /** Whether it would be long with `text`. */
  isLongWith(text: string): boolean {
    return this.length >= LONG_MESSAGES || this.#characters + text.length > LONG_CHARACTERS
  }

  /** Takes the first; undefined when none waits. */
  shift(): string | undefined {
    const text = this.#texts[this.#next]
    if (text === undefined) return undefined
    this.#place.waiting--
    this.#texts[this.#next++] = ""
    this.#characters -= text.length
    if (this.#next >= COMPACT_MESSAGES && this.#next * 2 >= this.#texts.length) {
      this.#texts.splice(0, this.#next)
      this.#next = 0
    }
    return text
  }

  /** What all of them take in memory, at most. */
  get bytes(): number {
    return this.#characters * CHARACTER_BYTES + this.length * TEXT_BYTES
  }

  /** Nothing in it is wanted any more, and nothing comes. */
  end(): void {
    this.#place.waiting -= this.length
  }
}
