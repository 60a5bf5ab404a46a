// One measured stretch: warm up, then read the clocks, let it run, read them again.

import type { Tally } from "./counted-stream.ts"
import { Histogram } from "./histogram.ts"
import { cpuNanoseconds, residentBytes } from "./process-cost.ts"

/** What a run of the generator is told; `run.ts` writes it, `main.ts` reads it. */
export interface LoadRequest {
  scenario: string
  dialect: string
  /** `host:port` of each node, in order. */
  addresses: { hostname: string; port: number }[]
  /** The server's processes, whose CPU time counts. */
  pids: number[]
  rooms: number
  window: number
  payload: "candidate" | "offer"
  warmupSeconds: number
  seconds: number
  /** Idle connections (idle, scale). */
  connections: number
}

/** What a run of the generator answers, as one line of JSON. */
export interface LoadResult {
  /** Operations completed in the measured stretch, what an operation is says the scenario. */
  operations: number
  seconds: number
  /** The servers' CPU time, user and system, all threads, per operation. */
  cpuMicroseconds: number
  /** The generator's own, to show that it is not what was measured. */
  generatorMicroseconds: number
  p50: number
  p99: number
  p999: number
  residentBytes: number
  /** Idle only: resident memory per connection. */
  bytesPerConnection?: number
  /** Everything that was not as it had to be; 0 in a valid run. */
  errors: number
  firstError: string
}

/** An empty tally. */
export function makeTally(): Tally {
  return { sent: 0, completed: 0, deliveries: 0, wrong: 0, firstWrong: "", latency: new Histogram() }
}

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

function ownCpuNanoseconds(): number {
  const usage = process.cpuUsage()
  return (usage.user + usage.system) * 1000
}

/**
 * Measures what is already running. `count` is what a single operation is: a completed message or a delivery.
 */
export async function measure(
  request: LoadRequest,
  tally: Tally,
  count: (tally: Tally) => number,
): Promise<Omit<LoadResult, "errors" | "firstError">> {
  await sleep(request.warmupSeconds)
  tally.latency.clear()
  const before = {
    count: count(tally),
    cpu: cpuNanoseconds(request.pids),
    own: ownCpuNanoseconds(),
    at: Bun.nanoseconds(),
  }
  await sleep(request.seconds)
  const operations = count(tally) - before.count
  const cpu = cpuNanoseconds(request.pids) - before.cpu
  const own = ownCpuNanoseconds() - before.own
  return {
    operations,
    seconds: (Bun.nanoseconds() - before.at) / 1e9,
    cpuMicroseconds: cpu / 1000 / operations,
    generatorMicroseconds: own / 1000 / operations,
    p50: tally.latency.percentile(0.5),
    p99: tally.latency.percentile(0.99),
    p999: tally.latency.percentile(0.999),
    residentBytes: residentBytes(request.pids),
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
