// What must be true when all is quiet: Redis, every client's view and every node's rooms equal what the clients have been
// told; and when all have left, nothing is left.

import { readPackedMember } from "../../src/cluster/node-message.ts"
import { type NodeId, type PeerId, type RoomKey, toRoomKey } from "../../src/rooms/ids.ts"
import { toBytes } from "./redis/lua.ts"
import type { SimulatedRedis } from "./redis/server.ts"
import { isSame, type SimulatedClient, vOfText } from "./simulated-client.ts"
import { KEYS, type SimulatedNode } from "./simulated-node.ts"

/** The rooms of a run. */
export const ROOMS = ["red", "green", "blue"]

/** Their names by their keys. */
export const ROOM_NAMES: ReadonlyMap<RoomKey, string> = new Map(ROOMS.map((room) => [toRoomKey(room), room]))

/** What is not as it should be: one line each. */
export function findUntruths(
  redis: SimulatedRedis,
  nodes: readonly SimulatedNode[],
  living: readonly SimulatedClient[],
): string[] {
  const lines = ROOMS.flatMap((room) => {
    const inside = living.filter((client) => client.room === room)
    return [...findInRedis(redis, nodes, room, inside), ...findInViews(room, inside)]
  })
  for (const client of living) {
    if (client.requests.size > 0) lines.push(`${client.name} waits for ${[...client.requests.keys()]}`)
    if (client.room !== undefined && client.unshown.size > 0) {
      lines.push(`${client.name} was never shown its status ${[...client.unshown]}`)
    }
    lines.push(...findLostRelays(client, nodes))
  }
  for (const { name, roomCount, clients, store } of nodes) {
    const inside = [...clients].filter(({ room }) => room !== undefined)
    const rooms = new Set(inside.map(({ room }) => room))
    if (roomCount !== rooms.size) lines.push(`${name} keeps ${roomCount} rooms instead of ${rooms.size}`)
    if (store.state !== "up") lines.push(`${name} is not up: ${store.awayReason}`)
  }
  return lines
}

/** What is left of rooms and nodes that are gone, once all have left. */
export function findLeftovers(redis: SimulatedRedis, nodes: readonly SimulatedNode[]): string[] {
  const expected = new Set([KEYS.leases, KEYS.deployment])
  const lines = redis.data
    .keys()
    .filter((key) => !expected.has(key) && !key.includes(":stats:"))
    .map((key) => `Redis keeps ${key} when all have left`)
  const living = new Set<string>(nodes.map(({ store }) => store.node))
  for (const node of redis.data.scores(KEYS.leases).keys()) {
    if (!living.has(node)) lines.push(`Redis keeps a lease of ${node}, which is gone`)
  }
  return lines
}

function findInRedis(
  { data }: SimulatedRedis,
  nodes: readonly SimulatedNode[],
  room: string,
  inside: readonly SimulatedClient[],
): string[] {
  const lines: string[] = []
  const key = toRoomKey(room)
  const partition = KEYS.partitionOf(key)
  const kept = new Map<PeerId, number>()
  const counts = new Map<string, number>()
  for (const [peer, packed] of data.hash(KEYS.room(partition, key))) {
    const { member } = readPackedMember(peer, toBytes(packed))
    kept.set(member.peer, vOfText(member.status))
    counts.set(member.node, (counts.get(member.node) ?? 0) + 1)
    if (!nodes.some(({ store }) => store.node === member.node)) {
      lines.push(`Redis has ${peer} on ${member.node}, which is gone`)
    }
  }
  const truth = new Map(inside.map((client) => [client.peer, client.shown]))
  if (!isSame(truth, kept)) lines.push(`Redis has ${room} as ${show(kept)}, but it is ${show(truth)}`)
  const keptCounts = data.hash(KEYS.nodes(partition, key))
  if (
    ![...keptCounts].every(([node, count]) => counts.get(node) === Number(count)) ||
    keptCounts.size !== counts.size
  ) {
    lines.push(`Redis counts ${JSON.stringify([...keptCounts])} in ${room}, but it is ${JSON.stringify([...counts])}`)
  }
  for (const { store, name } of nodes) {
    const isKept = data.members(KEYS.roomsOf(partition, store.node as NodeId)).includes(key)
    if (isKept !== counts.has(store.node)) lines.push(`among the rooms of ${name} in Redis, ${room} is wrong`)
  }
  return lines
}

function findInViews(room: string, inside: readonly SimulatedClient[]): string[] {
  const truth = new Map(inside.map((client) => [client.peer, client.shown]))
  return inside.flatMap((client) => {
    const others = new Map(truth)
    others.delete(client.peer)
    if (isSame(others, client.view)) return []
    return [`${client.name} sees ${room} as ${show(client.view)}, but it is ${show(others)}`]
  })
}

/** Between two that stayed, on nodes without a fault, nothing is lost. */
function findLostRelays(client: SimulatedClient, nodes: readonly SimulatedNode[]): string[] {
  const isCalm = nodes.every(({ isDisturbed }) => !isDisturbed)
  return client.sent.splice(0).flatMap(({ to, n, fromStay, toStay }) => {
    if (!isCalm || to.isClosed || client.room === undefined || to.room !== client.room) return []
    if (client.stay !== fromStay || to.stay !== toStay) return []
    return to.heard.get(client.peer)?.includes(n) ? [] : [`${to.name} never got ${n} of ${client.name}`]
  })
}

function show(view: ReadonlyMap<PeerId, number>): string {
  return `{${[...view].map(([peer, v]) => `${peer}: ${v}`).join(", ")}}`
}
