// What must be true when all is quiet: every page is in the room it wants to be in, with the status it wants; Redis, the nodes, the
// frames that came and the package's own lists all say the same; and nothing is held any more.

import { readPackedMember } from "../../../src/cluster/node-message.ts"
import { toRoomKey } from "../../../src/rooms/ids.ts"
import type { RoomEvent } from "../../../src/rooms/room-store.ts"
import { toBytes } from "../redis/lua.ts"
import type { SimulatedRedis } from "../redis/server.ts"
import { KEYS, type SimulatedNode } from "../simulated-node.ts"
import type { ResumingClient } from "./client.ts"

/** The rooms of a run. */
export const ROOMS = ["red", "green"]

/** What is not as it should be: one line each. @param isDisturbed whether faults excuse what was missed meanwhile */
export function findUntruths(
  redis: SimulatedRedis,
  nodes: readonly SimulatedNode[],
  clients: readonly ResumingClient[],
  isDisturbed: boolean,
): string[] {
  const lines = clients
    .filter(({ room, signaling }) => room !== undefined && signaling.ownId === undefined)
    .map(({ name, room, signaling }) => `${name} is not in ${room}, but ${signaling.state.name}`)
  for (const room of ROOMS) {
    const inside = clients.filter((client) => client.room === room && client.signaling.ownId !== undefined)
    const truth = new Map(inside.map(({ signaling }) => [signaling.ownId ?? "", statusValue(signaling.status)]))
    const kept = new Map<string, number>()
    const key = toRoomKey(room)
    for (const [peer, packed] of redis.data.hash(KEYS.room(KEYS.partitionOf(key), key))) {
      kept.set(peer, statusValue(JSON.parse(readPackedMember(peer, toBytes(packed)).member.status)))
    }
    lines.push(...compare(`Redis has ${room}`, kept, truth))
    for (const client of inside) {
      const others = new Map(truth)
      others.delete(client.signaling.ownId ?? "")
      const { members = new Map<string, string>() } = client.view ?? {}
      lines.push(
        ...compare(
          `${client.name} was told`,
          mapValues(members, (text) => statusValue(JSON.parse(text))),
          others,
        ),
      )
      lines.push(...compare(`${client.name} lists`, mapValues(client.signaling.peers, statusValue), others))
      if (!isDisturbed) lines.push(...findSkipped(client, redis.logs.get(key) ?? []))
    }
  }
  for (const { name, plain, roomCount, store } of nodes) {
    const rooms = new Set(
      clients.filter(({ wire, stay }) => stay !== undefined && wire?.node.plain === plain).map(({ room }) => room),
    )
    if (roomCount !== rooms.size) lines.push(`${name} keeps ${roomCount} rooms instead of ${rooms.size}`)
    if (store.state !== "up") lines.push(`${name} is not up: ${store.awayReason}`)
  }
  return lines
}

/** Memberships for which a node that stops waits. */
export function awaitedBy({ plain }: SimulatedNode): number {
  return plain.dialects.reduce((sum, { resumptions: its }) => sum + (its === undefined ? 0 : its.held + its.moving), 0)
}

/** Memberships and frames that nodes keep for those who are away, when nobody is. */
export function findHeld(nodes: readonly SimulatedNode[]): string[] {
  return nodes.flatMap(({ name, plain }) =>
    plain.dialects.flatMap(({ resumptions: kept }) =>
      kept === undefined || kept.held + kept.moving + kept.keptBytes === 0
        ? []
        : [`${name} still holds ${kept.held} memberships, moves ${kept.moving}, and keeps ${kept.keptBytes} bytes`],
    ),
  )
}

/** Every change of the room since the view began is among the frames, once and in order. */
function findSkipped({ name, view, logBegins }: ResumingClient, log: readonly RoomEvent[]): string[] {
  const told = view?.stays.at(-1)?.changes ?? []
  if (logBegins === undefined) return []
  const changes = log.slice(logBegins).flatMap((event) => toChange(event) ?? [])
  const at = changes.findIndex((change, index) => change !== told[index])
  if (at < 0 && told.length === changes.length) return []
  return [`${name} was told ${told.slice(Math.max(0, at))}, but the log has ${changes.slice(Math.max(0, at))}`]
}

/** As ClientView writes it. */
function toChange(event: RoomEvent): string | undefined {
  if (event.kind === "joined") return `+${event.member.peer}${normal(event.member.status)}`
  if (event.kind === "left") return `-${event.peer}`
  return event.kind === "status" ? `=${event.peer}${normal(event.status)}` : undefined
}

function normal(status: string): string {
  return JSON.stringify(JSON.parse(status))
}

function statusValue(status: object): number {
  return (status as { v: number }).v
}

function mapValues<From>(map: ReadonlyMap<string, From>, change: (value: From) => number): Map<string, number> {
  return new Map([...map].map(([key, value]) => [key, change(value)]))
}

function compare(what: string, is: ReadonlyMap<string, number>, should: ReadonlyMap<string, number>): string[] {
  const isSame = is.size === should.size && [...is].every(([peer, v]) => should.get(peer) === v)
  return isSame ? [] : [`${what} as ${show(is)}, but it is ${show(should)}`]
}

function show(map: ReadonlyMap<string, number>): string {
  return `{${[...map].map(([peer, v]) => `${peer}: ${v}`).join(", ")}}`
}
