// Where metrics are kept, and how numbers that are counted elsewhere become metrics: they are read at each scrape.

import { Counter, Gauge, type Histogram, Registry } from "prom-client"
import { Durations, SECONDS_BOUNDS } from "../durations.ts"

/** Adds `name`, read from `read` at each scrape; with `label`, one sample per key. */
export type AddMetric = (
  name: string,
  help: string,
  read: () => number | Readonly<Record<string, number>>,
  label?: string,
) => void

/** The same; `aggregator`: what the gauge of several workers is, their sum if not given. */
export type AddGauge = (...metric: [...Parameters<AddMetric>, aggregator?: "sum" | "min"]) => void

/** Adds a histogram of seconds; with `label`, one for each key. */
export type AddDurations = (
  name: string,
  help: string,
  read: () => Durations | Readonly<Record<string, Durations>>,
  label?: string,
) => void

/** One node's metrics, and how to add more. */
export interface Metrics {
  readonly registry: Registry
  readonly addCounter: AddMetric
  readonly addGauge: AddGauge
  readonly addDurations: AddDurations
}

/** None yet. */
export function makeRegistry(): Metrics {
  const registry = new Registry()
  const addCounter: AddMetric = (name, help, read, label) => {
    new Counter({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect() {
        this.reset()
        const value = read()
        if (typeof value === "number") this.inc(value)
        else for (const [key, count] of Object.entries(value)) this.inc({ [label ?? "key"]: key }, count)
      },
    })
  }
  const addGauge: AddGauge = (name, help, read, label, aggregator = "sum") => {
    new Gauge({
      name,
      help,
      aggregator,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect() {
        const value = read()
        if (typeof value === "number") return this.set(value)
        this.reset()
        for (const [key, count] of Object.entries(value)) this.set({ [label ?? "key"]: key }, count)
      },
    })
  }
  const addDurations: AddDurations = (name, help, read, label = "") => {
    const get = async () => {
      const durations = read()
      const all = durations instanceof Durations ? { "": durations } : durations
      const values = Object.entries(all).flatMap(([key, one]) =>
        samplesOf(name, key === "" ? {} : { [label]: key }, one),
      )
      return { name, help, type: "histogram", aggregator: "sum" as const, values }
    }
    registry.registerMetric({ name, get, reset() {} } as unknown as Histogram)
  }
  return { registry, addCounter, addGauge, addDurations }
}

function samplesOf(name: string, labels: Readonly<Record<string, string>>, { buckets, seconds }: Durations) {
  let sum = 0
  const samples = buckets.map((count, at) => {
    sum += count
    return { metricName: `${name}_bucket`, labels: { ...labels, le: SECONDS_BOUNDS[at] ?? "+Inf" }, value: sum }
  })
  return [
    ...samples,
    { metricName: `${name}_sum`, labels, value: seconds },
    { metricName: `${name}_count`, labels, value: sum },
  ]
}
