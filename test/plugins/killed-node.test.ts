// The members of a node that is killed leave for plug-ins too: each is told of once, at one of the nodes that are left.

import { expect, test } from "bun:test"
import { join } from "node:path"
import { toRoomKey } from "../../src/rooms/ids.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { poll, startRedis } from "../helpers/redis.ts"
import { FIXTURES } from "./nodes.ts"

/** What `observe.left` told. */
interface Leaver {
  readonly peer: string
  readonly room: string
  readonly stayedMs: number
}

async function leaversAt(nodes: readonly TestNode[]): Promise<Leaver[]> {
  const lists = await Promise.all(nodes.map(async ({ httpUrl }) => (await fetch(`${httpUrl}leavers`)).json()))
  return (lists as Leaver[][]).flat()
}

test("observe.left hears of each member of a killed node, once in the whole cluster", async () => {
  await using redis = await startRedis()
  await using cleanup = new AsyncDisposableStack()
  // 2 s instead of 10 s: the same in a fifth of the time.
  const args = ["--redis", redis.url, "--lease-seconds", "2", "--plugin", join(FIXTURES, "leavers.ts")]
  const start = async () => cleanup.use(await startNode(args))
  const [killed, ...others] = [await start(), await start(), await start()]
  if (killed === undefined) throw new Error("no nodes")
  const enter = async (node: TestNode, room: string): Promise<TestClient> => {
    const client = cleanup.use(await TestClient.connect(node.url))
    await client.join(room)
    return client
  }
  const staying = [await enter(others[0] as TestNode, "tea"), await enter(others[1] as TestNode, "tea")]
  const victims: Pick<Leaver, "peer" | "room">[] = []
  for (const room of ["tea", "tea", "tea", "empty behind them", "empty behind them"]) {
    victims.push({ peer: (await enter(killed, room)).ownId, room: toRoomKey(room) })
  }
  killed.kill("SIGKILL")
  await killed.exited
  for (const client of staying) for (let count = 0; count < 3; count++) await client.next("peer_left")
  // Every sweep has ended when the lease of the dead is gone.
  await poll(async () => (await redis.cli("ZCARD", "palava:nodes")).trim() === "2")
  await poll(async () => (await leaversAt(others)).length >= victims.length)

  // What is told behind them shows that nobody was told of twice.
  for (const client of staying) {
    client.send({ event: "leave_room" })
    victims.push({ peer: client.ownId, room: toRoomKey("tea") })
    await client.drain()
  }
  const leavers = await leaversAt(others)
  const byPeer = (a: { peer: string }, b: { peer: string }) => (a.peer < b.peer ? -1 : 1)
  expect(leavers.map(({ peer, room }) => ({ peer, room })).sort(byPeer)).toEqual(victims.sort(byPeer))
  for (const { stayedMs } of leavers) {
    expect(stayedMs).toBeGreaterThanOrEqual(0)
    expect(stayedMs).toBeLessThan(60_000)
  }
})
