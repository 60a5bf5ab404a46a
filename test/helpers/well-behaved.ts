// Two clients in a room of their own who write to each other while others misbehave: what they sent must arrive, whole
// and in order, and nothing else may.

import { expect } from "bun:test"
import { TestClient } from "./client.ts"

/** See the head of this file. */
export class WellBehaved implements AsyncDisposable {
  readonly #first: TestClient
  readonly #second: TestClient
  #sent = 0

  private constructor(first: TestClient, second: TestClient) {
    this.#first = first
    this.#second = second
  }

  /** Connects both and lets them meet. */
  static async meet(url: string): Promise<WellBehaved> {
    const first = await TestClient.connect(url)
    const second = await TestClient.connect(url)
    const room = crypto.randomUUID()
    await first.join(room)
    await second.join(room)
    await first.next("new_peer")
    return new WellBehaved(first, second)
  }

  /** Sends `count` more messages each way, without waiting for any. */
  talk(count: number): void {
    for (let index = 0; index < count; index++, this.#sent++) {
      this.#first.send(toPeer(this.#second.ownId, this.#sent))
      this.#second.send(toPeer(this.#first.ownId, this.#sent))
    }
  }

  /** Waits for all that was sent, and fails when anything is missing, twice, out of order, or not theirs. */
  async expectAllHeard(): Promise<void> {
    await this.#first.drain()
    await this.#second.drain()
    // A drain answers for what was sent by that client; the other's messages were sent before it as well.
    await this.#first.drain()
    expect(heardBy(this.#first)).toEqual(messagesOf(this.#second.ownId, this.#sent))
    expect(heardBy(this.#second)).toEqual(messagesOf(this.#first.ownId, this.#sent))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#first.close()
    await this.#second.close()
  }
}

function toPeer(peer: string, number: number): object {
  return { event: "send_to_peer", peer_id: peer, data: { event: "message", number } }
}

function messagesOf(sender: string, count: number): object[] {
  return Array.from({ length: count }, (_, number) => ({ event: "message", number, sender_id: sender }))
}

function heardBy(client: TestClient): object[] {
  return client.all.filter(({ event }) => event !== "pong" && event !== "joined_room" && event !== "new_peer")
}
