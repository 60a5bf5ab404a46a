// Nodes of a cluster for members who come back to another one.

import { startNode, type TestNode } from "../helpers/node.ts"
import type { RedisServer } from "../helpers/redis.ts"
import { Member } from "./member.ts"

let prefixes = 0

/** So many nodes of a cluster of their own. */
export async function startNodes(redis: RedisServer, count: number, args: readonly string[] = []): Promise<TestNode[]> {
  const prefix = `resume${++prefixes}`
  const all = ["--redis", redis.url, "--redis-prefix", prefix, "--shutdown-seconds", "0", ...args]
  return Promise.all(Array.from({ length: count }, () => startNode(all)))
}

/** Stops those that still run. */
export const stop = (nodes: readonly TestNode[]) => Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))

/** Ada at the first node, Bob and Cyd at the second. */
export async function three([a, b]: readonly TestNode[], room = "room"): Promise<[Member, Member, Member]> {
  const ada = await Member.join((a as TestNode).port, room, { name: "Ada" })
  const bob = await Member.join((b as TestNode).port, room, { name: "Bob" })
  const cyd = await Member.join((b as TestNode).port, room, { name: "Cyd" })
  for (const member of [ada, ada, bob]) await member.next("new_peer")
  return [ada, bob, cyd]
}
