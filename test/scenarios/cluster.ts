// What a scenario runs on: one or many nodes of the executable behind one address, as its clients see them. A scenario
// knows nothing of their number, nor of where the rooms are kept. Each client is judged at the end, event by event.

import { expect } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { ClientView } from "../helpers/client-view.ts"
import type { TestNode } from "../helpers/node.ts"
import { poll } from "../helpers/redis.ts"

/** Behind leave_room: its answer tells that the client has left. */
const LEFT = "left"

/** See the head of this file. */
export class Cluster implements AsyncDisposable {
  readonly #nodes: readonly TestNode[]
  readonly #clients: TestClient[] = []
  #connections = 0

  constructor(nodes: readonly TestNode[]) {
    this.#nodes = nodes
  }

  /** Connects the next client, each to the next node. */
  async connect(): Promise<TestClient> {
    const node = this.#nodes[this.#connections++ % this.#nodes.length] as TestNode
    const client = await TestClient.connect(node.url)
    this.#clients.push(client)
    return client
  }

  /** Connects `count` clients that join `room` one after the other, each with its number as status, and know it. */
  async meet(room: string, count: number): Promise<TestClient[]> {
    const clients: TestClient[] = []
    for (let number = 0; number < count; number++) {
      const client = await this.connect()
      await client.join(room, { number })
      await Promise.all(clients.map((known) => known.next("new_peer")))
      clients.push(client)
    }
    return clients
  }

  /** Ends the scenario: judges every client, closes the connections, and waits until nobody is in a room. */
  async finish(): Promise<void> {
    const clients = this.#clients.splice(0)
    await Promise.all(clients.map((client) => client.close()))
    await poll(async () => {
      const rooms = await Promise.all(this.#nodes.map((node) => node.metric("palava_rooms")))
      return rooms.every((count) => count === 0)
    })
    for (const client of clients) viewOf(client)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()))
  }
}

/** Leaves the room, and resolves when that is done. */
export async function leave(client: TestClient): Promise<void> {
  client.send({ event: "leave_room" })
  client.send({ event: "ping", ref: LEFT })
  await client.nextWhere(({ ref }) => ref === LEFT, "the answer behind leave_room")
}

/** What a client knows from all it was told. @throws when anything of it broke a guarantee of order */
export function viewOf(client: TestClient): ClientView {
  const view = new ClientView()
  for (const event of client.all) {
    if (event["ref"] === LEFT) view.leave()
    else view.see(event)
  }
  return view
}

let marks = 0

/**
 * Resolves when the members of one room have heard all that was said and done in it so far: each changes its status,
 * and whatever it did before comes before that.
 */
export async function settle(members: readonly TestClient[]): Promise<void> {
  const mark = ++marks
  for (const member of members) member.send({ event: "update_status", status: { mark } })
  await Promise.all(
    members.map(async (member) => {
      const missing = new Set(members.map(({ ownId }) => ownId))
      while (missing.size > 0) {
        const { sender_id, status } = await member.next("peer_updated_status")
        if ((status as { mark?: number }).mark === mark) missing.delete(sender_id as string)
      }
    }),
  )
}

/** Compares the views of all members of one room with each other: everyone knows everyone, with the same status. */
export function expectSameView(members: readonly TestClient[]): void {
  const views = members.map(viewOf)
  const truth = Object.fromEntries(views.map(({ ownId, status }) => [ownId, status]))
  for (const { ownId, status, members: others } of views) {
    expect<Record<string, string | undefined>>({ ...Object.fromEntries(others), [ownId]: status }).toEqual(truth)
  }
}
