// The bar charts, by uPlot: stacked where there are bands, one time axis for all of them, and a note beside the pointer
// that tells the numbers under it.

import uPlot from "uplot"
import type { Band, Column, Span } from "./data.ts"

/** What one chart shows. */
export interface ChartContent {
  /** For the colours: `--<palette>-1` and on. */
  readonly palette: string
  readonly bands: readonly Band[]
  valuesOf(column: Column): readonly number[]
}

/** 220 px: three charts and the figures above them on a laptop without scrolling far. */
const HEIGHT = 220

/** The pointer in one chart marks the same hour in the others. */
const SYNC_KEY = "stats"

/** Gaps between bars are a fifth of their room; bars of a short span are no wider than 48 px. */
const BARS = { size: [0.8, 48] satisfies [number, number] as [number, number] }

const number = new Intl.NumberFormat()

/** Draws a chart into `root`, in place of what was there. */
export function drawChart(root: HTMLElement, content: ChartContent, columns: readonly Column[], span: Span): uPlot {
  const colours = getComputedStyle(document.documentElement)
  const colour = (name: string) => colours.getPropertyValue(name).trim()
  const values = columns.map((column) => content.valuesOf(column))
  const sums = stack(values)
  const note = makeNote(content, values, columns, span)
  const step = span.by === "hour" ? 3600 : 86_400
  const font = `12px ${colours.fontFamily}`
  const axis = { stroke: colour("--ink-soft"), font, ticks: { show: false } }
  const plot = new uPlot(
    {
      width: root.clientWidth,
      height: HEIGHT,
      // 24 px to the right: half of the last time below the axis.
      padding: [12, 24, 0, 0],
      legend: { show: false },
      cursor: {
        sync: { key: SYNC_KEY },
        y: false,
        // On the column, not between two.
        move: (plot, left, top) => [left < 0 ? left : plot.valToPos(plot.data[0][plot.posToIdx(left)] ?? 0, "x"), top],
        points: { show: false },
        drag: { setScale: false, x: false, y: false },
      },
      scales: {
        x: { range: (_, min, max) => [min - step / 2, max + step / 2] },
        y: { range: (_, __, max) => [0, Math.max(4, max * 1.08)] },
      },
      axes: [
        {
          ...axis,
          size: 30,
          grid: { show: false },
          space: 70,
          values: (_, times) =>
            times.map((time) => labelOf(time, span, times[1] === undefined ? step : times[1] - (times[0] ?? 0))),
        },
        {
          ...axis,
          size: 48,
          grid: { stroke: colour("--line"), width: 1 },
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6],
          values: (_, counts) => counts.map((count) => number.format(count)),
        },
      ],
      // From the whole down to the first band, each drawn over the one before.
      series: [
        {},
        ...(content.bands.map((_, at) => {
          const fill = colour(`--${content.palette}-${content.bands.length - at}`)
          return { fill, stroke: fill, width: 0, points: { show: false }, paths: uPlot.paths.bars?.(BARS) }
        }) as uPlot.Series[]),
      ],
      hooks: { setCursor: [(plot) => note.show(plot)] },
    },
    [columns.map(({ start }) => start), ...sums.reverse()] as uPlot.AlignedData,
    (plot, ready) => {
      root.replaceChildren(plot.root)
      plot.over.append(note.element)
      ready()
    },
  )
  return plot
}

/** For each band the sum of it and all before, column by column. */
function stack(values: readonly (readonly number[])[]): number[][] {
  const bands = values[0]?.length ?? 0
  return Array.from({ length: bands }, (_, band) =>
    values.map((column) => column.slice(0, band + 1).reduce((sum, value) => sum + value, 0)),
  )
}

function labelOf(time: number, span: Span, apart: number): string {
  const date = new Date(time * 1000)
  const isDay = span.by === "day" || apart >= 86_400
  if (isDay) return date.toLocaleDateString(undefined, { day: "numeric", month: "short" })
  const clock = date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })
  const isMidnight = date.getHours() === 0
  return isMidnight ? date.toLocaleDateString(undefined, { weekday: "short", day: "numeric" }) : clock
}

/** When a column is, in words. */
export function describeTime(start: number, span: Span): string {
  const date = new Date(start * 1000)
  const day = date.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" })
  if (span.by === "day") return day
  const clock = (time: Date) => time.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })
  return `${day}, ${clock(date)}–${clock(new Date((start + 3600) * 1000))}`
}

function makeNote(
  content: ChartContent,
  values: readonly (readonly number[])[],
  columns: readonly Column[],
  span: Span,
): { element: HTMLElement; show: (plot: uPlot) => void } {
  const element = document.createElement("div")
  element.className = "note"
  element.hidden = true
  const show = (plot: uPlot) => {
    const { idx, left = -1 } = plot.cursor
    const column = idx == null ? undefined : columns[idx]
    // The other charts show where, only this one how much.
    element.hidden = column === undefined || left < 0 || !plot.over.matches(":hover")
    if (column === undefined || idx == null || element.hidden) return
    const lines = content.bands.flatMap(({ label }, at) => {
      const value = values[idx]?.[at] ?? 0
      return value === 0 ? [] : [lineOf(`--${content.palette}-${at + 1}`, label, value)]
    })
    const title = document.createElement("strong")
    title.textContent = describeTime(column.start, span)
    const nothing = document.createElement("span")
    nothing.textContent = "nothing"
    element.replaceChildren(title, ...(lines.length === 0 ? [nothing] : lines.reverse()))
    const x = plot.valToPos(column.start, "x")
    const isRight = x > plot.over.clientWidth / 2
    element.style.left = isRight ? "" : `${x + 12}px`
    element.style.right = isRight ? `${plot.over.clientWidth - x + 12}px` : ""
  }
  return { element, show }
}

function lineOf(colourName: string, label: string, value: number): HTMLElement {
  const line = document.createElement("span")
  const mark = document.createElement("i")
  mark.style.background = `var(${colourName})`
  const count = document.createElement("b")
  count.textContent = number.format(value)
  line.append(mark, label, count)
  return line
}
