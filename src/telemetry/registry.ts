// Where metrics are kept, and how numbers that are counted elsewhere become metrics: they are read at each scrape.

import { Counter, Gauge, Registry } from "prom-client"

/** Adds `name`, read from `read` at each scrape; with `label`, one sample per key. */
export type AddMetric = (
  name: string,
  help: string,
  read: () => number | Readonly<Record<string, number>>,
  label?: string,
) => void

/** One node's metrics, and how to add more. */
export interface Metrics {
  readonly registry: Registry
  readonly addCounter: AddMetric
  readonly addGauge: AddMetric
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
  const addGauge: AddMetric = (name, help, read, label) => {
    new Gauge({
      name,
      help,
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
  return { registry, addCounter, addGauge }
}
