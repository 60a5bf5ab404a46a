// A client of the dialect in shout.ts, on a node without a network.

import { Connection } from "../../src/connections/connection.ts"
import { openConversation } from "../../src/dialects/choose.ts"
import type { PlainNode } from "../helpers/plain-node.ts"
import { poll } from "../helpers/redis.ts"

/** See the head of this file. */
export class ShoutClient {
  /** Every frame it was sent. */
  readonly all: string[] = []
  readonly #connection: Connection
  readonly #drop: () => void
  #taken = 0

  constructor({ connections, dialects, topics }: PlainNode, address: string) {
    const handshake = { request: new Request(address.replace("ws", "http")), url: new URL(address) }
    this.#connection = new Connection(connections, (it) => openConversation(dialects, it, handshake))
    const subscriber = { send: (text: string) => void this.all.push(text) }
    this.#drop = () => topics.drop(subscriber)
    this.#connection.onOpen({
      send: subscriber.send,
      close: () => this.close(),
      ping: () => {},
      getBufferedAmount: () => 0,
      subscribe: (topic) => topics.subscribe(topic, subscriber),
      unsubscribe: (topic) => topics.unsubscribe(topic, subscriber),
    })
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
    this.#connection.onClose()
  }
}
