// The epochs of a room that one command may open: another for each time it is sent. With one for all, a room that was
// opened, swept and opened again would begin a second life under the name of the first, behind which nobody looks.

import { randomUUID } from "node:crypto"

/** See the head of this file. */
export class Epochs {
  readonly #tried = new Set<string>()

  /** For the next time it is sent. */
  next(): string {
    const epoch = randomUUID()
    this.#tried.add(epoch)
    return epoch
  }

  /** Whether the room was opened by this command. */
  has(epoch: string): boolean {
    return this.#tried.has(epoch)
  }
}
