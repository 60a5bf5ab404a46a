// `palava-machine nodes | rooms | room | kick | close-room | drain | undrain | restart-workers | log-level`: asks the administration listener
// and prints what it answers, as tables for people or as JSON.

import * as v from "valibot"
import { localHost } from "../access/hosts.ts"
import { type AdminTarget, askAdmin, NoAnswer } from "../admin/client.ts"
import { LEAST_DIGITS, LEVELS, MOST_PEER_ID, NODE_DIGITS, ROOM_DIGITS } from "../admin/local-node.ts"
import type { Coverage, NodesAnswer, OrderAnswer, RoomAnswer, RoomsAnswer } from "../admin/reports.ts"
import { adminAddressOf, adminHeadersOf, hasAdmin } from "../config/admin-address.ts"
import type { Invocation } from "../config/load.ts"
import { type Config, DIALECTS } from "../config/options.ts"
import { durationText } from "../duration-text.ts"
import { type RoomKey, toLogName, toRoomKey } from "../rooms/ids.ts"
import { exitFailed, exitFor } from "./exit.ts"
import { nodesText, roomsText, roomText } from "./operate-text.ts"
import { restartWorkers } from "./restart-workers.ts"

/** An answer, and how it reads. */
interface Told<T = object> {
  readonly answer: T
  readonly text: string
}

/** Carries out one of them. Ends with exit code 1 when it could not. */
export async function operate(invocation: Invocation): Promise<void> {
  const mistakes = mistakesIn(invocation)
  if (mistakes.length > 0) exitFor(mistakes)
  try {
    const { answer, text } = await carryOut(invocation, targetOf(invocation))
    console.log(invocation.adminFlags.isJson ? JSON.stringify(answer, undefined, 2) : text)
    tellGaps(answer)
  } catch (cause) {
    if (cause instanceof NoAnswer) exitFailed(cause.message)
    throw cause
  }
}

/** Where to ask, and with which token. */
export function targetOf({ config, adminFlags }: Invocation): AdminTarget {
  const headers = adminHeadersOf(config)
  if (adminFlags.url !== undefined) return { url: adminFlags.url, headers }
  if (!hasAdmin(config)) exitFor(["--admin-listen is off: --admin HOST:PORT names a listener"])
  const { host, port } = adminAddressOf(config)
  return { url: `http://${localHost(host)}:${port}/`, headers }
}

/** What is wrong with what was asked for, before anybody is asked. */
function mistakesIn({ command, argument, adminFlags: { name, node } }: Invocation): string[] {
  const mistakes: string[] = []
  const isRoom = command === "room" || command === "close-room"
  if (isRoom && (name === undefined) === (argument === "")) mistakes.push("give the room's HASH or --name NAME")
  else if (isRoom && name === undefined && !v.is(ROOM_DIGITS, argument.toLowerCase())) {
    mistakes.push(
      `${command}: HASH must be the first ${LEAST_DIGITS} to 64 hex digits of a room's hash, but is "${argument}"; a room by its name is --name NAME`,
    )
  }
  if (command === "kick" && argument.length > MOST_PEER_ID)
    mistakes.push(`kick: PEER must be the id of a peer, of at most ${MOST_PEER_ID} characters`)
  if (command === "log-level" && !v.is(v.picklist(LEVELS), argument))
    mistakes.push(`log-level: LEVEL must be one of ${LEVELS.join(", ")}, but is "${argument}"`)
  if (node !== undefined && !NODE_DIGITS.test(node))
    mistakes.push(`--node: must be the first digits of a node's id, as the command nodes lists them, but is "${node}"`)
  return mistakes
}

async function carryOut(invocation: Invocation, target: AdminTarget): Promise<Told> {
  const { command, argument, adminFlags } = invocation
  const order = adminFlags.node === undefined ? {} : { node: adminFlags.node }
  switch (command) {
    case "nodes": {
      const answer = await askAdmin<NodesAnswer>(target, "api/nodes")
      return { answer, text: nodesText(answer, Date.now()) }
    }
    case "rooms": {
      const answer = await askAdmin<RoomsAnswer>(target, "api/rooms")
      return { answer, text: roomsText(answer, Date.now()) }
    }
    case "room": {
      const answer = await askForRoom(invocation, target)
      return { answer, text: roomText(answer, Date.now()) }
    }
    case "kick": {
      const answer = await askAdmin<{ node: string; peer: string }>(target, "api/kick", { peer: argument })
      return { answer, text: `${answer.peer} is parted from, at node ${answer.node}` }
    }
    case "close-room": {
      const { room } = await askForRoom(invocation, target)
      const answer = await askAdmin<{ room: string; members: number }>(target, "api/close-room", { room })
      const who = answer.members === 1 ? "1 member" : `${answer.members} members`
      return { answer, text: `room ${toLogName(answer.room as RoomKey)}: ${who} parted from` }
    }
    case "restart-workers": {
      const answer = await restartWorkers(target)
      return { answer, text: `${answer.workers.length} workers were replaced` }
    }
    case "log-level":
      return tellNode(await askAdmin<OrderAnswer>(target, "api/log-level", { ...order, level: argument }))
    default:
      return tellNode(await askAdmin<OrderAnswer>(target, `api/${command}`, order))
  }
}

/** A room by the digits of its hash, or by its name, which only its hash is made of and nobody is told. */
async function askForRoom({ config, argument, adminFlags }: Invocation, target: AdminTarget): Promise<RoomAnswer> {
  const ask = (digits: string) => askAdmin<RoomAnswer>(target, `api/room?room=${encodeURIComponent(digits)}`)
  const { name } = adminFlags
  if (name === undefined) return ask(argument.toLowerCase())
  let message = ""
  for (const key of keysOf(name, config)) {
    try {
      return await ask(key)
    } catch (cause) {
      if (!(cause instanceof NoAnswer) || cause.error !== "unknown_room") throw cause
      message = cause.message.replace(`begins with ${key}`, `is called "${name}"`)
    }
  }
  throw new NoAnswer(message)
}

/** The hashes a name may have: one in each dialect, palava first. */
function keysOf(name: string, { peerjsKey }: Config): RoomKey[] {
  return DIALECTS.map((dialect) => {
    if (dialect === "palava") return toRoomKey(name)
    return toRoomKey(dialect === "peerjs" ? `${peerjsKey}\n${name}` : name, dialect)
  })
}

function tellNode(answer: OrderAnswer): Told {
  const lines = (answer.workers ?? [answer]).map(({ node, draining, log_level, connections, started_at }) => {
    const state = draining ? "draining" : "not draining"
    const up = durationText(Date.now() - started_at)
    return `node ${node}: ${state}, ${connections} connections, logs at ${log_level}, up ${up}`
  })
  return { answer, text: lines.join("\n") }
}

/** What the answer does not cover, for whoever looks at the terminal. */
function tellGaps({ silent = [], problem }: Partial<Coverage>): void {
  for (const { node, reason } of silent) console.error(`palava-machine: node ${node}: ${reason}`)
  if (problem !== undefined) console.error(`palava-machine: ${problem}`)
}
