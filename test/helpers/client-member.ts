// A member of a room through the browser client, in Bun: what it told its listeners, and what it said and heard.

import { SignalingClient, type SignalingEvents } from "../../src/client/index.ts"
import type { ResumingServer } from "./resuming-server.ts"

/** Waits of a few milliseconds between attempts; deadlines that a busy machine keeps. */
const TIMING = {
  connectMs: 2_000,
  pingEveryMs: 20_000,
  pongWithinMs: 10_000,
  requestMs: 5_000,
  retry: { firstMs: 2, longestMs: 10 },
}

const EVENTS = ["joined_room", "resumed", "new_peer", "peer_left", "peer_updated_status", "error"] as const

/** A client in the room, closed with the test, and everything it tells but relays, whose numbers are apart. */
export class ClientMember implements Disposable {
  readonly client: SignalingClient
  readonly told: [string, unknown][] = []
  readonly heard: unknown[] = []
  readonly sent: number[] = []
  #watchers = new Set<() => void>()

  constructor(url: string, timing: Partial<typeof TIMING> = {}) {
    this.client = new SignalingClient(url, { ...TIMING, ...timing })
    for (const name of EVENTS) this.client.on(name, (event) => this.#note([name, event]))
    this.client.on("relayed", ({ message }) => {
      if (message.event === "message") this.heard.push(message.data)
      this.#note()
    })
    this.client.on("state", () => this.#note())
  }

  static async join(server: ResumingServer, timing?: Partial<typeof TIMING>): Promise<ClientMember> {
    const member = new ClientMember(server.url, timing)
    await member.client.join("room", { name: "Ada" })
    member.told.length = 0
    return member
  }

  /** Sends the next number; noted only when the client takes it. */
  speak(): boolean {
    const data = this.sent.length
    const isTaken = this.client.send("bea", { event: "message", data })
    if (isTaken) this.sent.push(data)
    return isTaken
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#watchers.add(resolve))
  }

  next<Name extends keyof SignalingEvents>(name: Name): Promise<SignalingEvents[Name]> {
    return new Promise((resolve) => {
      const off = this.client.on(name, (event) => {
        off()
        resolve(event)
      })
    })
  }

  [Symbol.dispose](): void {
    this.client.close()
  }

  #note(event?: [string, unknown]): void {
    if (event !== undefined) this.told.push(event)
    for (const watcher of this.#watchers) watcher()
    this.#watchers.clear()
  }
}
