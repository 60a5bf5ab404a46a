// The real client and the real server: whatever the network between them does, the client comes back as itself, nothing is
// lost in either direction, and the other member sees none of it.

import { expect, test } from "bun:test"
import { SignalingClient, type SignalingEvents } from "../../src/client/index.ts"
import { startNode } from "../helpers/node.ts"
import { type NetworkProxy, poll, startProxy } from "../helpers/redis.ts"

/** Milliseconds: a silent network is noticed within half a second, and retried quickly. */
const TIMING = { pingEveryMs: 250, pongWithinMs: 250, connectMs: 2_000, retry: { firstMs: 20, longestMs: 200 } }

/** Messages each way between two breaks. */
const EACH = 40

/** A client in a room, and all it hears. */
class Member {
  readonly client: SignalingClient
  readonly heard: unknown[] = []
  readonly resumed: boolean[] = []
  /** What no member may see of another's break. */
  readonly changes: string[] = []

  constructor(url: string) {
    this.client = new SignalingClient(url, TIMING)
    this.client.on("relayed", ({ message }) => this.heard.push((message as { data?: unknown }).data))
    this.client.on("resumed", ({ complete }) => this.resumed.push(complete))
    for (const name of ["new_peer", "peer_left", "peer_updated_status", "error"] as const) {
      this.client.on(name, (event: SignalingEvents[typeof name]) =>
        this.changes.push(`${name} ${JSON.stringify(event)}`),
      )
    }
  }
}

const BREAKS: readonly (readonly [string, (proxy: NetworkProxy) => void])[] = [
  ["is reset", (proxy) => proxy.reset()],
  ["goes silent in both directions", (proxy) => proxy.freeze()],
]

for (const [what, breakNow] of BREAKS) {
  test(`a network that ${what}, again and again: same ids, all messages, once and in order`, async () => {
    await using node = await startNode()
    await using proxy = await startProxy(node.port)
    const [far, near] = [new Member(`ws://127.0.0.1:${proxy.port}/`), new Member(node.url)]
    const joined = await near.client.join("break")
    const { ownId } = await far.client.join("break")
    await poll(() => near.client.peers.size === 1)
    near.changes.length = 0
    let sent = 0
    for (let round = 1; round <= 4; round++) {
      for (let count = 0; count < EACH; count++) {
        near.client.send(ownId, { event: "message", data: sent })
        far.client.send(joined.ownId, { event: "message", data: sent++ })
        if (count === EACH / 2) breakNow(proxy)
      }
      await poll(() => far.resumed.length >= round && far.heard.length >= sent && near.heard.length >= sent)
    }
    const numbers = Array.from({ length: sent }, (_, number) => number)
    expect(far.heard).toEqual(numbers)
    expect(near.heard).toEqual(numbers)
    expect(far.resumed).not.toContain(false)
    expect([near.changes, near.resumed, far.changes]).toEqual([[], [], []])
    expect([far.client.ownId, near.client.ownId]).toEqual([ownId, joined.ownId])

    far.client.close()
    await poll(() => near.changes.length > 0)
    expect(near.changes).toEqual([`peer_left ${JSON.stringify({ peerId: ownId, whileAway: false })}`])
    near.client.close()
  }, 60_000)
}
