// What a process leaves behind for the one that takes its place: the format, and whether one that was found may be used.
// What is held is each dialect's own; where it is kept is not decided here.

import { readFileSync } from "node:fs"
import { hostname } from "node:os"
import * as v from "valibot"
import { Connection } from "../connections/connection.ts"
import type { Connections } from "../connections/connections.ts"
import type { Dialect } from "../dialects/contract.ts"
import type { NodeId } from "../rooms/ids.ts"

/** The format, of what dialects put into it too: another number for each change. */
export const STATE_FORMAT = 1

/** Every state begins so, whatever its format. */
export const STATE_BEGINS = '{"palavaState":'

/** 5 s: how far the clocks of two processes of one machine may have been set apart. */
const FUTURE_MS = 5_000

const STATE = v.object({
  palavaState: v.literal(STATE_FORMAT),
  /** The tokens of its clients name it, so the next process is this node. */
  node: v.pipe(v.string(), v.regex(/^[0-9a-f-]{36}$/)),
  /** See `thisMachine`. */
  machine: v.string(),
  /** Unix milliseconds. */
  writtenAt: v.number(),
  /** What each dialect holds, by its name. */
  dialects: v.record(v.string(), v.unknown()),
})

/** See the head of this file. */
export interface State extends Readonly<v.InferOutput<typeof STATE>> {
  readonly node: NodeId & string
}

/** Which machine this is, from one start of it to the next: what another one held is not held here. */
export function thisMachine(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  } catch {
    return hostname()
  }
}

/** The state of a node that has closed its connections, as text. */
export async function packState(node: NodeId, dialects: readonly Dialect[]): Promise<string> {
  const held: [string, unknown][] = []
  for (const dialect of dialects)
    if (dialect.packHeld !== undefined) held.push([dialect.name, await dialect.packHeld()])
  const state: State = {
    ...{ palavaState: STATE_FORMAT, node, machine: thisMachine(), writtenAt: Date.now() },
    dialects: Object.fromEntries(held),
  }
  return JSON.stringify(state)
}

/** Reads a state that is not older than `seconds`. @returns why it is of no use, else */
export function readState(text: string, seconds: number): State | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return "it is not complete"
  }
  const format = (value as { palavaState?: unknown }).palavaState
  if (format !== STATE_FORMAT) return `it has format ${String(format).slice(0, 20)}, this version reads ${STATE_FORMAT}`
  const { success, output } = v.safeParse(STATE, value, { abortEarly: true })
  if (!success) return "it is damaged"
  if (output.machine !== thisMachine()) return "it is of another machine, or from before this one was started"
  const ageMs = Date.now() - output.writtenAt
  if (ageMs < -FUTURE_MS) return "it is from the future: was the clock set back?"
  if (ageMs > seconds * 1000) return `it is ${Math.round(ageMs / 1000)} s old, --resume-seconds allows ${seconds}`
  return output as State
}

/** Holds what was held. @returns how many memberships; undefined when part of it is damaged, which is left out */
export async function unpackState(
  state: State,
  dialects: readonly Dialect[],
  connections: Connections,
): Promise<number | undefined> {
  const ageMs = Math.max(0, Date.now() - state.writtenAt)
  let count: number | undefined = 0
  for (const [name, held] of Object.entries(state.dialects)) {
    const dialect = dialects.find((known) => known.name === name)
    const members = await dialect?.unpackHeld?.(held, ageMs, (converse) => {
      const connection = new Connection(connections, converse, connections.places.nowhere)
      return connection.receiver as ReturnType<typeof converse>
    })
    count = members === undefined || count === undefined ? undefined : count + members
  }
  return count
}
