// A server with workers over a real Redis, and what its operators see of it.

import { expect } from "bun:test"
import type { NodesAnswer, RoomAnswer, WorkersAnswer } from "../../src/admin/reports.ts"
import { toRoomKey } from "../../src/rooms/ids.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import type { RedisServer } from "../helpers/redis.ts"
import { makePrefix } from "../helpers/redis-stores.ts"

/** Two workers, with a prefix of their own. */
export function startWorkers(
  redis: RedisServer,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<TestNode> {
  return startNode(["--workers", "2", "--redis", redis.url, "--redis-prefix", makePrefix(), ...args], env)
}

/** Asks the administration listener. */
export async function ask<T>({ adminUrl }: TestNode, path: string): Promise<T> {
  return (await (await fetch(`${adminUrl}api/${path}`)).json()) as T
}

/** Process and connections of each worker, in their order. */
export async function loadOf(server: TestNode): Promise<{ pid: number; connections: number }[]> {
  const { workers } = await ask<WorkersAnswer>(server, "workers")
  const { nodes } = await ask<NodesAnswer>(server, "nodes")
  return workers.map(({ pid, node }) => ({
    pid: pid ?? 0,
    connections: nodes.find((report) => report.node === node)?.connections ?? 0,
  }))
}

/** At which node each member of a room is, by peer. */
async function placesOf(server: TestNode, room: string): Promise<Map<string, string>> {
  const { members } = await ask<RoomAnswer>(server, `room?room=${toRoomKey(room)}`)
  return new Map(members.map(({ peer, node }) => [peer, node]))
}

/** Clients in a room, as many as it takes until the last, `other`, is at another worker than the first, `one`. */
export async function meetAcross(server: TestNode, stack: AsyncDisposableStack, room: string) {
  const clients: TestClient[] = []
  let places = new Map<string, string>()
  while (new Set(places.values()).size < 2) {
    const client = stack.use(await TestClient.connect(server.url))
    await client.join(room)
    for (const known of clients) expect(await known.next()).toMatchObject({ event: "new_peer", peer_id: client.ownId })
    clients.push(client)
    places = await placesOf(server, room)
  }
  const [one, other] = [clients[0], clients.at(-1)] as [TestClient, TestClient]
  const { workers } = await ask<WorkersAnswer>(server, "workers")
  const pidOfOther = workers.find(({ node }) => node === places.get(other.ownId))?.pid ?? 0
  return { one, other, clients, pidOfOther }
}

/** Sends a message from one to another. */
export function say(from: TestClient, to: TestClient, data: object): void {
  from.send({ event: "send_to_peer", peer_id: to.ownId, data })
}

/** Whether a process is there. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
