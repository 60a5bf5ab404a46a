// The operators' console: asks the server every two seconds for all nodes and rooms, or for the one room that the address
// names, and shows the answer. It only looks: orders are given by the commands. Everything it needs is in the page itself.

import { setUpThemeButton } from "../theme-button.ts"
import { ask, keysOf, type NodesAnswer, type RoomAnswer, type RoomsAnswer } from "./api.ts"
import { find } from "./dom.ts"
import { setUpOverview, showDay, showOverview } from "./overview.ts"
import { RateMeter } from "./rates.ts"
import { setUpRoom, showRoom } from "./room.ts"
import { WORDS } from "./words.ts"

/** 2 s: quick enough to see a call being set up, and a handful of consoles cost the nodes nothing. */
const LOOK_MS = 2_000

/** 60 s: the hour under way grows slowly. */
const DAY_MS = 60_000

/** Digits of a hash, as the server takes them. */
const DIGITS = /^[0-9a-f]{6,64}$/

const meter = new RateMeter()
/** The digits in the address; empty where all are shown. */
let room = ""
/** Answers to a question before the last are not shown. */
let asked = 0
let timer: ReturnType<typeof setTimeout> | undefined

function readAddress(): void {
  room = new URLSearchParams(location.hash.slice(1)).get("room") ?? ""
  find("overview").hidden = room !== ""
  find("room").hidden = room === ""
  document.title = room === "" ? "palava: console" : `palava: ${WORDS.room(room.slice(0, 10))}`
  if (room !== "") {
    find("room-title").textContent = WORDS.room(room.slice(0, 10))
    find("room-title").focus()
  }
  void look()
}

async function look(): Promise<void> {
  clearTimeout(timer)
  const id = ++asked
  try {
    if (room === "") await lookAtAll(id)
    else await lookAtRoom(id, room)
  } catch (cause) {
    if (id === asked) complain([WORDS.cannotAsk((cause as Error).message)])
  }
  if (id === asked && !document.hidden) timer = setTimeout(look, LOOK_MS)
}

async function lookAtAll(id: number): Promise<void> {
  const [nodes, rooms] = await Promise.all([ask<NodesAnswer>("api/nodes"), ask<RoomsAnswer>("api/rooms")])
  if (id !== asked) return
  showOverview(nodes, rooms, meter.look(nodes.nodes, rooms.total, performance.now()), meter, Date.now())
  complainOf(nodes)
}

async function lookAtRoom(id: number, digits: string): Promise<void> {
  const answer = await ask<RoomAnswer>(`api/room?room=${encodeURIComponent(digits)}`)
  if (id !== asked) return
  showRoom(answer, Date.now())
  complainOf(answer)
}

/** What an answer does not cover. */
function complainOf({ silent, problem }: Pick<NodesAnswer, "silent" | "problem">): void {
  const gaps = silent.map(({ node, reason }) => WORDS.unanswered(node.slice(0, 8), reason))
  complain(problem === undefined ? gaps : [...gaps, problem])
}

function complain(problems: readonly string[]): void {
  const text = problems.join(". ")
  find("problem").hidden = text === ""
  // Said once by a screen reader, and not at each look.
  if (find("problem").textContent !== text) find("problem").textContent = text
}

async function search(text: string): Promise<void> {
  if (DIGITS.test(text.toLowerCase())) {
    location.hash = `room=${text.toLowerCase()}`
    return
  }
  const keys = await keysOf(text)
  if (keys === undefined) return complain([WORDS.noHashing])
  let failure: unknown
  for (const key of keys) {
    try {
      const { room } = await ask<RoomAnswer>(`api/room?room=${key}`)
      location.hash = `room=${room}`
      return
    } catch (cause) {
      failure ??= cause
    }
  }
  complain([WORDS.namedSo((failure as Error).message, text)])
}

async function lookAtDay(): Promise<void> {
  const last = Math.floor(Date.now() / 3_600_000) * 3600
  const first = last - 23 * 3600
  try {
    const { hours } = await ask<{ hours: (Parameters<typeof showDay>[0][number] & { hour: string })[] }>(
      `stats?from=${first}&to=${last}`,
    )
    const byHour = new Map(hours.map((hour) => [Date.parse(hour.hour) / 1000, hour]))
    showDay(Array.from({ length: 24 }, (_, at) => byHour.get(first + at * 3600) ?? { rooms: {}, minutes: {} }))
  } catch {
    // The rest of the page says what is wrong; the statistics wait for the next minute.
  }
}

setUpThemeButton(find("theme"), () => {})
setUpOverview()
setUpRoom()
// What is wider than a phone is scrolled with the keyboard, too.
for (const wide of document.querySelectorAll<HTMLElement>(".scroll")) {
  wide.tabIndex = 0
  wide.role = "group"
  wide.ariaLabel = wide.closest("section")?.querySelector("h2, h3")?.textContent ?? ""
}
find("search").addEventListener("submit", (event) => {
  event.preventDefault()
  const text = find<HTMLInputElement>("wanted").value.trim()
  if (text !== "") void search(text)
})
addEventListener("hashchange", readAddress)
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void look()
})
readAddress()
void lookAtDay()
setInterval(() => {
  if (!document.hidden) void lookAtDay()
}, DAY_MS)
