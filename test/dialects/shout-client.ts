// A client of the dialect in shout.ts, on a node without a network.

import type { Connection } from "../../src/connections/connection.ts"
import { connectPlain, type PlainNode } from "../helpers/plain-node.ts"
import { poll } from "../helpers/redis.ts"

/** See the head of this file. */
export class ShoutClient {
  /** Every frame it was sent. */
  readonly all: string[] = []
  readonly #connection: Connection
  readonly #drop: () => void
  #taken = 0

  constructor(node: PlainNode, address: string) {
    const peer = { onText: (text: string) => void this.all.push(text), onClose: () => this.close() }
    const { connection, drop } = connectPlain(node, peer, address)
    this.#connection = connection
    this.#drop = drop
  }

  send(text: string): void {
    this.#connection.onMessage(text)
  }

  /** Sends, and waits for the answer, if there is to be one. */
  async say(text: string, answer: string | RegExp | undefined): Promise<void> {
    this.send(text)
    if (answer !== undefined) await this.hears(answer)
  }

  /** Waits for the next frame that fits; those before it are passed over. */
  async hears(expected: string | RegExp): Promise<void> {
    const fits = (text: string) => (typeof expected === "string" ? text === expected : expected.test(text))
    await poll(() => {
      const at = this.all.findIndex((text, index) => index >= this.#taken && fits(text))
      if (at >= 0) this.#taken = at + 1
      return at >= 0
    })
  }

  close(): void {
    this.#drop()
    this.#connection.onClose(1000)
  }
}
