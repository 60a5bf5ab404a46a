// A Prometheus that scrapes nodes every second, and the panels of deploy/grafana as Grafana would ask it for them.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestNode } from "../helpers/node.ts"
import { freePort, poll } from "../helpers/redis.ts"

/** What Grafana puts in place of its variables: everything, and for rates ten scrapes. */
const VARIABLES: Readonly<Record<string, string>> = { $job: ".*", $instance: ".*", $__rate_interval: "10s" }

/** A panel of the dashboard, as far as it is read here. */
export interface Panel {
  readonly title: string
  readonly type: "row" | "stat" | "timeseries"
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

/** The panels in their order. */
export function readPanels(): Panel[] {
  const path = join(import.meta.dir, "../../deploy/grafana/palava-machine.json")
  return (JSON.parse(readFileSync(path, "utf8")) as { panels: Panel[] }).panels
}

/** One line of a panel: what it is called, and its values by unix seconds. */
export interface Series {
  readonly name: string
  readonly values: readonly (readonly [at: number, value: number])[]
}

/** A running Prometheus. */
export interface Prometheus extends AsyncDisposable {
  /** What a panel's query says of the last `seconds`, a value each second; what is no number is left out. */
  ask(target: { readonly expr: string; readonly legendFormat: string }, seconds: number): Promise<Series[]>
}

interface Answer {
  readonly data: { readonly result: readonly { metric: Record<string, string>; values: [number, string][] }[] }
}

/** Starts one for these nodes. */
export async function startPrometheus(nodes: readonly TestNode[]): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "palava-prometheus-"))
  const targets = nodes.map(({ adminPort }) => `127.0.0.1:${adminPort}`)
  const job = { job_name: "palava-machine", static_configs: [{ targets }] }
  const config = { global: { scrape_interval: "1s" }, scrape_configs: [job] }
  // JSON is YAML.
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config))
  const address = `127.0.0.1:${await freePort()}`
  const places = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`]
  const child = Bun.spawn(["prometheus", ...places, `--web.listen-address=${address}`, "--log.level=error"], {
    stdout: "ignore",
    stderr: "inherit",
  })
  const isReady = () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  await poll(isReady)
  return {
    async ask({ expr, legendFormat }, seconds) {
      const query = Object.entries(VARIABLES).reduce((text, [name, value]) => text.replaceAll(name, value), expr)
      const end = Math.floor(Date.now() / 1000)
      const span = { start: String(end - seconds), end: String(end), step: "1" }
      const response = await fetch(`http://${address}/api/v1/query_range?${new URLSearchParams({ query, ...span })}`)
      if (!response.ok) throw new Error(`${query}: ${await response.text()}`)
      const { data } = (await response.json()) as Answer
      return data.result.map(({ metric, values }) => ({
        name: legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ""),
        values: values.map(([at, value]) => [at, Number(value)] as const).filter(([, value]) => Number.isFinite(value)),
      }))
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
      rmSync(folder, { recursive: true })
    },
  }
}
