// The statistics page: asks /stats for the chosen time, shows the figures, the charts and the table, and looks again
// once a minute. Everything it needs is in the page itself.

import type uPlot from "uplot"
import { setUpThemeButton } from "../theme-button.ts"
import { type ChartContent, describeTime, drawChart } from "./charts.ts"
import {
  type Column,
  MINUTE_BANDS,
  type PlainHour,
  ROOM_BANDS,
  SPANS,
  type Span,
  startsOf,
  toColumns,
  totalOf,
} from "./data.ts"

/** 60 s: the hour under way grows that slowly for an onlooker. */
const REFRESH_MS = 60_000

const CHARTS: Readonly<Record<string, ChartContent>> = {
  joins: { palette: "joins", bands: [{ label: "joins", upTo: 0 }], valuesOf: ({ joins }) => [joins] },
  rooms: { palette: "rooms", bands: ROOM_BANDS, valuesOf: ({ roomBands }) => roomBands },
  minutes: { palette: "minutes", bands: MINUTE_BANDS, valuesOf: ({ minuteBands }) => minuteBands },
}

const whole = new Intl.NumberFormat()
const oneDigit = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })

let span: Span = SPANS.find(({ id }) => id === location.hash.slice(1)) ?? SPANS[0]
let columns: readonly Column[] = []
let plots: uPlot[] = []

function find(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`index.html lacks #${id}`)
  return element
}

async function refresh(): Promise<void> {
  const asked = span
  const starts = startsOf(asked, new Date())
  const [first = 0, last = 0] = [starts[0], starts.at(-1)]
  // A day's column ends with the day.
  const to = asked.by === "hour" ? last : last + 25 * 3600
  try {
    const response = await fetch(`stats?from=${first}&to=${to}`)
    if (!response.ok) throw new Error((await response.text()).trim())
    const { hours, kept_days } = (await response.json()) as { hours: PlainHour[]; kept_days: number }
    if (asked !== span) return
    offerKept(kept_days)
    columns = toColumns(starts, hours)
    find("problem").hidden = true
    find("download").setAttribute("href", `stats?from=${first}&to=${to}&format=csv`)
    show()
  } catch (cause) {
    if (asked !== span) return
    find("problem").hidden = false
    find("problem").textContent = `The numbers could not be fetched: ${(cause as Error).message}`
  }
}

function show(): void {
  const { rooms, joins, minutes, largest } = totalOf(columns)
  const busiest = columns.reduce((most, column) => (column.joins > most.joins ? column : most), columns[0] as Column)
  find("joins-total").textContent = whole.format(joins)
  find("rooms-total").textContent = whole.format(rooms)
  find("minutes-mean").textContent = joins === 0 ? "–" : oneDigit.format(minutes / joins)
  find("largest").textContent = largest === 0 ? "–" : whole.format(largest)
  find("busiest").textContent = joins === 0 ? "–" : describeTime(busiest.start, span)
  find("busiest-label").textContent = span.by === "hour" ? "busiest hour" : "busiest day"
  find("empty").hidden = joins > 0 || rooms > 0
  draw()
  showTable()
}

function draw(): void {
  for (const plot of plots) plot.destroy()
  plots = Object.entries(CHARTS).map(([name, content]) => drawChart(find(`${name}-chart`), content, columns, span))
}

function showLegends(): void {
  for (const [name, { bands, palette }] of Object.entries(CHARTS)) {
    if (bands.length < 2) continue
    find(`${name}-legend`).replaceChildren(
      ...bands.map(({ label }, at) => {
        const item = document.createElement("li")
        const mark = document.createElement("i")
        mark.style.background = `var(--${palette}-${at + 1})`
        item.append(mark, label)
        return item
      }),
    )
  }
}

/** The same numbers for those who read them better, or have them read to them. */
function showTable(): void {
  const rows = columns
    .filter(({ rooms, joins }) => rooms > 0 || joins > 0)
    .reverse()
    .map(({ start, joins, rooms, largest, minutes }) => {
      const row = document.createElement("tr")
      const mean = joins === 0 ? "–" : oneDigit.format(minutes / joins)
      for (const text of [
        describeTime(start, span),
        whole.format(joins),
        whole.format(rooms),
        whole.format(largest),
        mean,
      ]) {
        const cell = document.createElement(row.childElementCount === 0 ? "th" : "td")
        cell.textContent = text
        row.append(cell)
      }
      return row
    })
  find("rows").replaceChildren(...rows)
}

/** Offers the spans that the server still has hours of, and the shortest in any case. */
function offerKept(days: number): void {
  for (const [at, button] of [...find("spans").children].entries()) {
    const { by, count } = SPANS[at] ?? SPANS[0]
    ;(button as HTMLElement).hidden = at > 0 && (by === "day" ? count : count / 24) > days
  }
}

function setUpSpans(): void {
  const buttons = SPANS.map((one) => {
    const button = document.createElement("button")
    button.type = "button"
    button.textContent = one.label
    button.addEventListener("click", () => choose(one))
    return button
  })
  const choose = (chosen: Span) => {
    span = chosen
    history.replaceState(null, "", `#${chosen.id}`)
    for (const [at, button] of buttons.entries()) button.setAttribute("aria-pressed", String(SPANS[at] === chosen))
    void refresh()
  }
  find("spans").replaceChildren(...buttons)
  choose(span)
}

setUpThemeButton(find("theme"), () => {
  if (columns.length > 0) draw()
})
showLegends()
setUpSpans()
setInterval(() => {
  if (!document.hidden) void refresh()
}, REFRESH_MS)
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void refresh()
})
new ResizeObserver(() => {
  for (const plot of plots) {
    const width = plot.root.parentElement?.clientWidth ?? plot.width
    if (width !== plot.width) plot.setSize({ width, height: plot.height })
  }
}).observe(document.body)
