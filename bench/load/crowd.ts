// More connections than one process can hold, in rooms of 2 to 10, and one in a hundred of them talks. One operation is one connection.
//
// First those who say nothing come, and are held by processes of their own; what the servers do meanwhile is answering and
// asking who is alive. Then the others come, in pairs, and each pair relays a message a second both ways.

import { residentAtRest } from "./idle.ts"
import type { LoadRequest, LoadResult } from "./measure.ts"
import { settle } from "./measure.ts"
import { type Part, startPart } from "./parts.ts"
import { cpuNanoseconds, kernelBytes, residentBytes } from "./process-cost.ts"

/** One of a hundred talks. */
const TALKING_PART = 0.01
/** A message a second, ms: what a call set up every half a minute comes to. */
const PACE_MS = 1_000

/** 10 s, or less where less is asked for: 10,000 messages of 1,000 who talk. */
const MOST_TALK_SECONDS = 10

/** Runs the crowd: `connections` in all, over `processes`; nothing is said for `seconds`. */
export async function crowd(request: LoadRequest): Promise<LoadResult> {
  const { connections: count, processes = 1, pids, seconds, dialect } = request
  const pairs = dialect === "forwarder" ? 0 : Math.ceil((count * TALKING_PART) / 2)
  const idle = count - 2 * pairs
  const before = {
    at: Bun.nanoseconds(),
    cpu: cpuNanoseconds(pids),
    resident: residentBytes(pids),
    kernel: kernelBytes(),
  }
  const asked = { ...request, scenario: "held", connections: Math.ceil(idle / processes) }
  const parts: Part[] = await Promise.all(Array.from({ length: processes }, () => startPart(asked)))
  const open = { at: Bun.nanoseconds(), cpu: cpuNanoseconds(pids) }
  const held = asked.connections * processes
  await residentAtRest(request)
  // Both ends of each connection are on this machine.
  const kernel = (kernelBytes() - before.kernel) / 2

  const quiet = { at: Bun.nanoseconds(), cpu: cpuNanoseconds(pids) }
  await settle(() => false, seconds)
  const idleCores = (cpuNanoseconds(pids) - quiet.cpu) / (Bun.nanoseconds() - quiet.at)
  const resident = residentBytes(pids)

  const talking =
    pairs > 0 ? await startPart({ ...request, scenario: "pairs", rooms: pairs, paceMs: PACE_MS }, true) : undefined
  await settle(() => false, Math.min(seconds, MOST_TALK_SECONDS))
  const relayed = await talking?.stop()
  const results = await Promise.all(parts.map((part) => part.stop()))
  const all = relayed === undefined ? results : [relayed, ...results]
  return {
    operations: held,
    processes,
    seconds: (open.at - before.at) / 1e9,
    cpuMicroseconds: (open.cpu - before.cpu) / held / 1000,
    generatorMicroseconds: 0,
    p50: 0,
    p99: 0,
    p999: 0,
    residentBytes: resident,
    bytesPerConnection: (resident - before.resident) / held,
    kernelBytesPerConnection: kernel / held,
    idleCores: (idleCores / held) * 10_000,
    ...(relayed && { pairsP99: relayed.p99 }),
    errors: all.reduce((sum, { errors }) => sum + errors, 0),
    firstError: all.find(({ firstError }) => firstError !== "")?.firstError ?? "",
  }
}
