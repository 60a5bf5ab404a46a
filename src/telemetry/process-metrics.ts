// What the process takes from its machine, and how late its event loop runs. Everything is read when a scrape asks,
// under the names Prometheus dashboards know, but for the loop's lag: that takes ten timers a second. (prom-client's own
// default metrics sample the loop a hundred times a second, which is all an idle node would do.)

import { readdirSync } from "node:fs"
import { Gauge, Histogram } from "prom-client"
import { openFileLimit } from "../open-file-limit.ts"
import type { Metrics } from "./registry.ts"

/** 100 ms: an idle process is woken ten times more a second, and none that held the loop for longer than that goes unseen. */
const LAG_EVERY_MS = 100

/** Seconds: a timer is late by up to 1 ms on a healthy loop; people notice from 0.1 s on, clients give up after 10. */
const LAG_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Adds the process's own metrics. What the system does not tell (open files, outside Linux) is left out. */
export function addProcessMetrics({ registry, addCounter, addGauge }: Metrics, version: string): void {
  const startedAt = Date.now() / 1000 - process.uptime()
  const labels = { version, bun: Bun.version, platform: `${process.platform}-${process.arch}` }
  new Gauge({
    name: "palava_build_info",
    help: "Always 1; the labels tell what runs.",
    labelNames: Object.keys(labels),
    aggregator: "first",
    registers: [registry],
  }).set(labels, 1)
  addCounter("process_cpu_seconds_total", "CPU time of user and system.", () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  addGauge("process_start_time_seconds", "When the process started, unix time.", () => startedAt, undefined, "min")
  addGauge("process_resident_memory_bytes", "Memory of the process that is in RAM.", () => process.memoryUsage.rss())
  addGauge(
    "palava_heap_bytes",
    "JavaScript objects, the dead ones not yet collected too.",
    () => process.memoryUsage().heapUsed,
  )
  if (openFiles() !== undefined) {
    addGauge("process_open_fds", "Open files, sockets among them.", () => openFiles() ?? 0)
    addGauge("process_max_fds", "Most files that may be open.", () => openFileLimit() ?? 0)
  }
  const lag = new Histogram({
    name: "palava_event_loop_lag_seconds",
    help: "How late a timer of 100 ms ran.",
    buckets: LAG_SECONDS,
    registers: [registry],
  })
  let due = performance.now() + LAG_EVERY_MS
  setInterval(() => {
    const now = performance.now()
    lag.observe(Math.max(0, now - due) / 1000)
    due = now + LAG_EVERY_MS
  }, LAG_EVERY_MS).unref()
}

function openFiles(): number | undefined {
  try {
    // One of them is open only to read this list.
    return readdirSync("/proc/self/fd").length - 1
  } catch {
    return undefined
  }
}
