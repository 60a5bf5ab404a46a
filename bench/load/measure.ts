// One measured stretch: warm up, then read the clocks, let it run, read them again.

import type { Address } from "./connection.ts"
import type { Tally } from "./counted-stream.ts"
import type { DialectName } from "./dialects.ts"
import { Histogram } from "./histogram.ts"
import { cpuNanoseconds, ownCpuNanoseconds, residentBytes } from "./process-cost.ts"

/** What a run of the generator is told; `run.ts` writes it, `main.ts` reads it. */
export interface LoadRequest {
  scenario: string
  /** How many processes load the server, each with all of this; one if not given. */
  generators?: number
  dialect: DialectName
  /** Of each node, in order. */
  addresses: Address[]
  /** The server's processes, whose CPU time counts; none of a server elsewhere, of which then only rates and latencies are known. */
  pids: number[]
  /** The Redis between two nodes: its commands and its CPU time are counted apart. */
  redisUrl?: string
  redisPid?: number
  rooms: number
  window: number
  payload: "candidate" | "offer"
  warmupSeconds: number
  seconds: number
  /** Connections in all (fan-out, idle, growth, crowd, soak). */
  connections: number
  /** Handshakes only: whether each has the ticket of an earlier one. */
  resumesTls?: boolean
  /** Storm only: whether clients come back as themselves, or join anew. */
  resumes?: boolean
  /** Growth only: members of each room that talks. */
  roomSize?: number
  /** Crowd only: processes that hold its connections. */
  processes?: number
  /** Pairs only: ms between two messages of one. */
  paceMs?: number
  /** How long memory must not have shrunk before it counts (growth, crowd), or how long it has in all (idle). */
  restSeconds: number
}

/** What a run of the generator answers, as one line of JSON. */
export interface LoadResult {
  /** Operations completed in the measured stretch, what an operation is says the scenario. */
  operations: number
  seconds: number
  /** The servers' CPU time, user and system, all threads, per operation; undefined when their processes are not known. */
  cpuMicroseconds?: number
  /** Two nodes only: what Redis did per operation. */
  redisCommands?: number
  redisMicroseconds?: number
  /** The generator's own, to show that it is not what was measured. */
  generatorMicroseconds: number
  p50: number
  p99: number
  p999: number
  residentBytes?: number
  /** Idle and crowd: resident memory per connection. */
  bytesPerConnection?: number
  /** Growth only: the servers' CPU time for one who comes and goes. */
  visitMicroseconds?: number
  /** Crowd only: workers of the server. */
  processes?: number
  /** Crowd only: what the kernel keeps for one end of a connection. */
  kernelBytesPerConnection?: number
  /** Crowd only: the servers' CPU time while nobody says anything, as a part of a core, for 10,000 connections. */
  idleCores?: number
  /** Soak only: by what part resident memory grows in an hour, by the line nearest to what was read of it. */
  growthPerHour?: number
  /** Storm, crowd, soak: how long messages took between those of whom the rest is seen. */
  pairsP99?: number
  /** Storm only: clients that came too late to be who they were, and joined anew. */
  tooLate?: number
  /** Everything that was not as it had to be; 0 in a valid run. */
  errors: number
  firstError: string
}

/** An empty tally. */
export function makeTally(): Tally {
  return { sent: 0, completed: 0, deliveries: 0, wrong: 0, firstWrong: "", latency: new Histogram() }
}

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

/** Commands that Redis has run so far, those inside scripts included; ours that ask for the number are not. */
async function redisCommands(url: string): Promise<number> {
  const client = new Bun.RedisClient(url)
  const info = String(await client.send("INFO", ["commandstats"]))
  client.close()
  let sum = 0
  for (const [, name, calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (name !== "info" && !name?.startsWith("hello") && !name?.startsWith("client")) sum += Number(calls)
  }
  return sum
}

/** All clocks and counters at one moment. */
async function readClocks(request: LoadRequest, operations: number) {
  return {
    operations,
    redisCommands: request.redisUrl ? await redisCommands(request.redisUrl) : 0,
    redisCpu: request.redisPid ? cpuNanoseconds([request.redisPid]) : 0,
    cpu: cpuNanoseconds(request.pids),
    own: ownCpuNanoseconds(),
    at: Bun.nanoseconds(),
  }
}

/** Measures what is already running. `count` is what a single operation is: a completed message or a delivery. */
export async function measure(
  request: LoadRequest,
  tally: Tally,
  count: (tally: Tally) => number,
): Promise<Omit<LoadResult, "errors" | "firstError">> {
  await sleep(request.warmupSeconds)
  tally.latency.clear()
  const before = await readClocks(request, count(tally))
  await sleep(request.seconds)
  const after = await readClocks(request, count(tally))
  const operations = after.operations - before.operations
  const perOperation = (total: number): number => total / operations
  const measured = {
    operations,
    seconds: (after.at - before.at) / 1e9,
    generatorMicroseconds: perOperation(after.own - before.own) / 1000,
    p50: tally.latency.percentile(0.5),
    p99: tally.latency.percentile(0.99),
    p999: tally.latency.percentile(0.999),
    ...(request.pids.length > 0 && {
      cpuMicroseconds: perOperation(after.cpu - before.cpu) / 1000,
      residentBytes: residentBytes(request.pids),
    }),
  }
  if (!request.redisUrl) return measured
  return {
    ...measured,
    redisCommands: perOperation(after.redisCommands - before.redisCommands),
    redisMicroseconds: perOperation(after.redisCpu - before.redisCpu) / 1000,
  }
}

/** Waits until `isDone`, at most `seconds`; says whether it came to be. */
export async function settle(isDone: () => boolean, seconds = 5): Promise<boolean> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    if (isDone()) return true
    await sleep(0.01)
  }
  return isDone()
}

/**
 * Measures what is done over and over, `rooms` at a time. Whatever `once` throws ends its turn, and is an error.
 * @param stuck what they are that have not come to an end in time, for the error
 */
export async function measureTurns(
  request: LoadRequest,
  tally: Tally,
  stuck: string,
  once: () => Promise<void>,
): Promise<LoadResult> {
  let running = request.rooms
  let stopped = false
  const keepOn = async (): Promise<void> => {
    try {
      while (!stopped) await once()
      running--
    } catch (error) {
      tally.firstWrong ||= String(error)
    }
  }
  for (let turn = 0; turn < request.rooms; turn++) void keepOn()
  const measured = await measure(request, tally, (counted) => counted.completed)
  stopped = true
  await settle(() => running === 0)
  return { ...measured, errors: tally.wrong + running, firstError: tally.firstWrong || (running ? stuck : "") }
}
