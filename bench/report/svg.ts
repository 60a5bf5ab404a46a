// The results as pictures for the README: bars and lines, plain SVG, readable on a light and on a dark page.

import { short } from "./table.ts"

/** Colours for both: a picture in a page follows the reader's system. */
const STYLE = `<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px } .small { font-size: 11px; fill: #6e7781 }
  .axis { stroke: #d0d7de } .other { fill: #8c959f } .own { fill: #0969da } .limit { fill: #1a7f37 }
  .line { stroke: #0969da } .dot { fill: #0969da }
  polyline { fill: none; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #8d96a0 } .axis { stroke: #30363d } .other { fill: #6e7681 }
    .own { fill: #4493f8 } .limit { fill: #3fb950 }
    .line { stroke: #4493f8 } .dot { fill: #4493f8 }
  }
</style>`

const WIDTH = 720

function escapeXml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;")
}

function picture(height: number, description: string, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(description)}">
${STYLE}
${body}
</svg>
`
}

/** One bar: a value, and how it is coloured. */
export interface Bar {
  label: string
  value: number
  kind: "own" | "limit" | "other"
}

/** Groups of horizontal bars; each group has a scale of its own. */
export function bars(groups: readonly { title: string; unit: string; bars: readonly Bar[] }[]): string {
  const [labelWidth, valueWidth, rowHeight] = [200, 90, 24]
  const parts: string[] = []
  let y = 8
  for (const group of groups) {
    parts.push(`<text class="title" x="0" y="${y + 14}">${escapeXml(group.title)}</text>`)
    y += 26
    const most = Math.max(...group.bars.map((bar) => bar.value))
    for (const bar of group.bars) {
      const width = Math.max(2, ((WIDTH - labelWidth - valueWidth) * bar.value) / most)
      parts.push(
        `<text x="0" y="${y + 15}">${escapeXml(bar.label)}</text>`,
        `<rect class="${bar.kind}" x="${labelWidth}" y="${y + 3}" width="${width.toFixed(1)}" height="16" rx="3"/>`,
        `<text x="${(labelWidth + width + 8).toFixed(1)}" y="${y + 15}">${short(bar.value)} ${group.unit}</text>`,
      )
      y += rowHeight
    }
    y += 16
  }
  return picture(y, groups.map((group) => group.title).join("; "), parts.join("\n"))
}

/** One line over the points of its row. */
export interface Chart {
  title: string
  unit: string
  values: readonly number[]
}

/** A row of charts over the same points. */
export interface Row {
  title: string
  /** At equal distances. */
  points: readonly number[]
  charts: readonly Chart[]
}

/** 18,500 as 18.5k: there is little room below a chart. */
function label(point: number): string {
  return point < 1_000 ? String(point) : `${point / 1_000}k`
}

/** One chart in its place; from zero, so that a flat line means flat. */
function chart({ title, unit, values }: Chart, points: readonly number[], left: number, y: number, width: number) {
  const [titleHeight, height, margin] = [34, 90, 16]
  const bottom = y + titleHeight + height
  const known = [...values.entries()].filter(([, value]) => Number.isFinite(value))
  const top = Math.max(...known.map(([, value]) => value)) * 1.25
  const toX = (at: number): number => left + margin + ((width - 3 * margin) * at) / Math.max(1, points.length - 1)
  const toY = (value: number): number => bottom - (height * value) / top
  const path = known.map(([at, value]) => `${toX(at).toFixed(1)},${toY(value).toFixed(1)}`).join(" ")
  const dots = known.flatMap(([at, value]) => {
    const [x, dotY] = [toX(at).toFixed(1), toY(value)]
    return [
      `<circle class="dot" cx="${x}" cy="${dotY.toFixed(1)}" r="3"/>`,
      `<text class="small" x="${x}" y="${(dotY - 8).toFixed(1)}" text-anchor="middle">${short(value)}</text>`,
      `<text class="small" x="${x}" y="${bottom + 14}" text-anchor="middle">${label(points[at] ?? 0)}</text>`,
    ]
  })
  return [
    `<text x="${left}" y="${y + 12}">${escapeXml(title)}, ${unit}</text>`,
    `<line class="axis" x1="${left}" y1="${bottom}" x2="${left + width - margin}" y2="${bottom}"/>`,
    `<polyline class="line" points="${path}"/>`,
    ...dots,
  ]
}

/** Rows of small charts. */
export function charts(rows: readonly Row[]): string {
  const rowHeight = 186
  const parts = rows.flatMap((row, at) => {
    const y = 8 + at * rowHeight
    const width = WIDTH / row.charts.length
    return [
      `<text class="title" x="0" y="${y + 14}">${escapeXml(row.title)}</text>`,
      ...row.charts.flatMap((one, column) => chart(one, row.points, column * width, y + 26, width)),
    ]
  })
  return picture(8 + rows.length * rowHeight, rows.map(({ title }) => title).join("; "), parts.join("\n"))
}
