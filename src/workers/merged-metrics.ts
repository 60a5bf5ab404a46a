// The metrics of all workers as those of one server. Counters and histograms are sums, gauges what their registry says. What
// workers counted that have ended stays in the sums, so that no counter falls.

import { AggregatorRegistry } from "prom-client"
import type { Metrics } from "../telemetry/registry.ts"
import type { WorkerProcess } from "./worker-process.ts"

/** 2 s for a worker's metrics; one that takes longer counts as it did the last time. */
const ANSWER_MS = 2_000

/** One metric, as prom-client puts it into JSON. */
interface Metric {
  readonly name: string
  readonly type: string
}

/** See the head of this file. */
export class MergedMetrics {
  /** Of the supervisor itself. */
  readonly #own: Metrics
  readonly #last = new Map<WorkerProcess, readonly Metric[]>()
  /** Counters and histograms of workers that have ended. */
  #ended: readonly Metric[] = []

  constructor(own: Metrics) {
    this.#own = own
  }

  /** Takes note of what a worker has counted; one that does not answer counts as it did the last time. */
  async read(worker: WorkerProcess): Promise<void> {
    const text = await worker.ask("metrics", undefined, ANSWER_MS).catch(() => undefined)
    if (text !== undefined) this.#last.set(worker, JSON.parse(text))
  }

  /** A worker has ended. */
  end(worker: WorkerProcess): void {
    const growing = this.#last.get(worker)?.filter(({ type }) => type === "counter" || type === "histogram") ?? []
    this.#last.delete(worker)
    this.#ended = merge([this.#ended, growing])
  }

  /** All of them in the Prometheus text format, and what format that is. */
  async show(workers: readonly WorkerProcess[]): Promise<Response> {
    await Promise.all(workers.map((worker) => this.read(worker)))
    const { registry } = this.#own
    const own = (await registry.getMetricsAsJSON()) as unknown as readonly Metric[]
    const all = AggregatorRegistry.aggregate([own, ...this.#last.values(), this.#ended] as object[])
    return new Response(await all.metrics(), { headers: { "content-type": registry.contentType } })
  }
}

function merge(metrics: readonly (readonly Metric[])[]): readonly Metric[] {
  const merged = AggregatorRegistry.aggregate(metrics as unknown as object[])
  return merged.getMetricsAsArray().map((metric) => metric as unknown as Metric)
}
