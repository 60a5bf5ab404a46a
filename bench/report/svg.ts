// The results as pictures for the README: bars and lines, plain SVG, readable on a light and on a dark page.

import { short } from "./table.ts"

/** Colours for both: a picture in a page follows the reader's system. */
const STYLE = `<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px } .small { font-size: 11px; fill: #6e7781 }
  .axis { stroke: #d0d7de } .other { fill: #8c959f } .own { fill: #0969da } .limit { fill: #1a7f37 }
  .line-0 { stroke: #0969da } .line-1 { stroke: #bc4c00 } .dot-0 { fill: #0969da } .dot-1 { fill: #bc4c00 }
  polyline { fill: none; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #8d96a0 } .axis { stroke: #30363d } .other { fill: #6e7681 }
    .own { fill: #4493f8 } .limit { fill: #3fb950 }
    .line-0 { stroke: #4493f8 } .line-1 { stroke: #f0883e } .dot-0 { fill: #4493f8 } .dot-1 { fill: #f0883e }
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

/** One line over the common x values. */
export interface Line {
  title: string
  unit: string
  values: readonly number[]
}

/** Small charts over one x axis, one above the other, each from zero, so that a flat line means flat. */
export function lines(xTitle: string, xs: readonly number[], all: readonly Line[]): string {
  const [left, right, chartHeight] = [10, 60, 120]
  const most = Math.max(...xs)
  const toX = (x: number): number => left + ((WIDTH - left - right) * x) / most
  const parts: string[] = []
  let y = 8
  for (const [index, line] of all.entries()) {
    parts.push(`<text class="title" x="0" y="${y + 14}">${escapeXml(line.title)}</text>`)
    y += 24
    const top = Math.max(...line.values) * 1.25
    const bottom = y + chartHeight
    const toY = (value: number): number => bottom - (chartHeight * value) / top
    parts.push(`<line class="axis" x1="${left}" y1="${bottom}" x2="${WIDTH - right}" y2="${bottom}"/>`)
    const points = line.values.map((value, at) => [toX(xs[at] ?? 0), toY(value)] as const)
    const path = points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ")
    parts.push(`<polyline class="line-${index % 2}" points="${path}"/>`)
    for (const [at, [px, py]] of points.entries()) {
      const value = `${short(line.values[at] ?? 0)}${at === points.length - 1 ? ` ${line.unit}` : ""}`
      parts.push(
        `<circle class="dot-${index % 2}" cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3.5"/>`,
        `<text class="small" x="${px.toFixed(1)}" y="${(py - 9).toFixed(1)}" text-anchor="middle">${value}</text>`,
      )
    }
    y = bottom + 6
    for (const x of xs) {
      const label = x.toLocaleString("en-US")
      parts.push(`<text class="small" x="${toX(x).toFixed(1)}" y="${y + 11}" text-anchor="middle">${label}</text>`)
    }
    y += 34
  }
  parts.push(`<text class="small" x="${WIDTH - right}" y="${y - 6}" text-anchor="end">${escapeXml(xTitle)}</text>`)
  return picture(y + 4, all.map((line) => line.title).join("; "), parts.join("\n"))
}
