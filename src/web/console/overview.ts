// All nodes and rooms as they are now.

import { durationText } from "../../duration-text.ts"
import type { NodesAnswer, RoomsAnswer } from "./api.ts"
import { find, type Row, roomLink, showHead, showRows } from "./dom.ts"
import type { Figures, RateMeter, Rates } from "./rates.ts"
import { WORDS } from "./words.ts"

const MIB = 1_048_576

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 })
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 })

/** Words that do not change. */
export function setUpOverview(): void {
  showHead(find("nodes-head"), WORDS.nodeColumns)
  showHead(find("rooms-head"), WORDS.roomColumns)
  find("figures").replaceChildren(
    ...Object.entries(WORDS.figures).map(([name, word]) => {
      const figure = document.createElement("div")
      const term = document.createElement("dt")
      const value = document.createElement("dd")
      term.textContent = word
      value.id = `figure-${name}`
      value.textContent = "–"
      const line = document.createElementNS("http://www.w3.org/2000/svg", "svg")
      line.setAttribute("viewBox", "0 0 90 20")
      line.setAttribute("preserveAspectRatio", "none")
      line.setAttribute("aria-hidden", "true")
      line.append(document.createElementNS("http://www.w3.org/2000/svg", "polyline"))
      term.append(line)
      figure.append(term, value)
      return figure
    }),
  )
}

/** Shows one look. */
export function showOverview(
  { nodes }: NodesAnswer,
  { rooms, total, gone }: RoomsAnswer,
  rates: ReadonlyMap<string, Rates>,
  meter: RateMeter,
  now: number,
): void {
  showFigures(meter.history)
  const nodeRows = nodes.map((node): Row => {
    const rate = rates.get(node.node)
    const perSecond = (read: (rate: Rates) => number) => (rate === undefined ? "–" : short.format(read(rate)))
    return {
      key: node.node,
      kind: node.reasons.length === 0 ? "" : "odd",
      cells: [
        node.node.slice(0, 8),
        node.reasons[0] ?? WORDS.ready,
        node.lease_ms === null ? "–" : `${(node.lease_ms / 1000).toFixed(1)} s`,
        durationText(now - node.started_at),
        whole.format(node.connections),
        whole.format(node.rooms),
        whole.format(node.members),
        `${whole.format(node.memory_bytes / MIB)} MiB`,
        rate === undefined ? "–" : percent.format(rate.cpu),
        perSecond(({ relays }) => relays),
        perSecond(({ errors }) => errors),
        node.log_level,
        node.version,
      ],
    }
  })
  showRows(find("nodes"), nodeRows)
  find("no-rooms").hidden = rooms.length > 0
  find("rooms-scroll").hidden = rooms.length === 0
  showRows(
    find("rooms"),
    rooms.map(({ room, members, nodes, since }) => ({
      key: room,
      cells: [
        roomLink(room),
        whole.format(members),
        durationText(now - since),
        nodes.map((node) => node.slice(0, 8)).join(" "),
      ],
    })),
  )
  find("more-rooms").hidden = total <= rooms.length
  find("more-rooms").textContent = WORDS.moreRooms(rooms.length, total)
  find("gone-details").hidden = gone.length === 0
  find("gone-title").textContent = WORDS.gone(gone.length)
  showRows(
    find("gone"),
    gone.map(({ room, last }) => ({ key: room, cells: [roomLink(room), WORDS.ago(durationText(now - last))] })),
    "li",
    "span",
  )
}

function showFigures(history: readonly Figures[]): void {
  const latest = history.at(-1)
  if (latest === undefined) return
  for (const name of Object.keys(WORDS.figures) as (keyof Figures)[]) {
    const value = find(`figure-${name}`)
    value.textContent = history.length < 2 && name in RATES ? "–" : short.format(latest[name])
    const most = Math.max(1, ...history.map((one) => one[name]))
    const step = 90 / Math.max(1, history.length - 1)
    const points = history.map((one, at) => `${at * step},${19 - (one[name] / most) * 18}`)
    value.parentElement?.querySelector("polyline")?.setAttribute("points", points.join(" "))
  }
}

/** The figures that need two looks. */
const RATES = { joins: true, relays: true, errors: true }

/** The hours of the usage statistics, as bars. */
export function showDay(
  hours: readonly { readonly rooms: Record<string, number>; readonly minutes: Record<string, number> }[],
): void {
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0)
  const joins = hours.map(({ minutes }) => sum(minutes))
  const most = Math.max(1, ...joins)
  find<SVGElement>("day").replaceChildren(
    ...joins.map((count, at) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect")
      const height = count === 0 ? 1 : Math.max(2, (count / most) * 54)
      const box = { x: at * 10 + 1, y: 56 - height, width: 8, height, rx: 1 }
      for (const [name, value] of Object.entries(box)) bar.setAttribute(name, String(value))
      return bar
    }),
  )
  const rooms = hours.reduce((total, hour) => total + sum(hour.rooms), 0)
  find("day-told").textContent = WORDS.dayTold(
    whole.format(joins.reduce((total, count) => total + count, 0)),
    whole.format(rooms),
  )
}
