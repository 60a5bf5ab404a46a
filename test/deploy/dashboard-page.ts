// The panels of the dashboard as a page, each at its place in Grafana's grid of 24 columns, drawn by uPlot.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Panel, Series } from "./prometheus.ts"

/** A panel and its lines. */
export interface PanelData {
  readonly panel: Panel
  readonly series: readonly Series[]
}

/** The page, with everything in it. */
export function dashboardPage(data: readonly PanelData[]): string {
  const read = (path: string) => readFileSync(join(import.meta.dir, "../..", path), "utf8")
  const panels = data.map(({ panel: { title, type, gridPos, fieldConfig }, series }) => {
    const times = [...new Set(series.flatMap(({ values }) => values.map(([at]) => at)))].sort((a, b) => a - b)
    const lines = series.map(({ name, values }) => {
      const byTime = new Map(values)
      return { name, values: times.map((at) => byTime.get(at) ?? null) }
    })
    return { title, type, ...gridPos, unit: fieldConfig?.defaults.unit ?? "", times, lines }
  })
  return `<!doctype html><meta charset="utf-8"><style>${read("node_modules/uplot/dist/uPlot.min.css")}${STYLE}</style><body>
<script>${read("node_modules/uplot/dist/uPlot.iife.min.js")}</script>
<script>${read("test/browser/pages/dashboard.js")}
drawPanels(${JSON.stringify(panels)})</script>`
}

const STYLE = `body { margin: 12px; background: #f6f8fa; font: 13px system-ui, sans-serif; color: #24292f; position: relative }
section { position: absolute; box-sizing: border-box; padding: 8px 10px; background: #fff; border: 1px solid #d0d7de; border-radius: 4px }
section.row { background: none; border: 0; padding: 6px 0; font-weight: 600 }
h2 { font-size: 13px; margin: 0 0 4px; font-weight: 600 } section.row h2 { font-size: 15px }
.value { font-size: 34px; text-align: center; color: #1a7f37; padding-top: 12px }
.u-legend { text-align: left; font-size: 11px } .u-legend .u-value { display: none }`
