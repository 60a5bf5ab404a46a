// One room: what stands out, who is in it, and what happened in the last hour.

import { durationText } from "../../duration-text.ts"
import type { RoomAnswer } from "./api.ts"
import { find, showHead, showRows } from "./dom.ts"
import { entryText, WORDS } from "./words.ts"

/** Kinds of entries by how they are shown; all others are plain. */
const KINDS: Readonly<Record<string, string>> = {
  offer: "call",
  answer: "call",
  candidates: "call",
  refused: "bad",
  error: "bad",
  unreachable: "bad",
  lost: "bad",
  gap: "bad",
  reclaimed: "bad",
}

const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" })

/** Words that do not change. */
export function setUpRoom(): void {
  showHead(find("members-head"), WORDS.memberColumns)
}

/** Shows one look at it. */
export function showRoom({ room, members, findings, timeline, dropped }: RoomAnswer, now: number): void {
  find("room-title").textContent = WORDS.room(room.slice(0, 10))
  find("room-key").textContent = room
  const nameOf = namesOf({ members, timeline })
  const found = findings.map(({ peers: [one, other], finding, text }) => ({
    key: `${one} ${other}`,
    kind: finding === "complete" ? "" : "odd",
    cells: [WORDS.between(nameOf(one), nameOf(other)), text],
  }))
  showRows(find("findings"), found.length > 0 ? found : [{ key: "", cells: [WORDS.noFindings] }], "li", "span")
  find("members-title").textContent = members.length === 0 ? WORDS.nobody : WORDS.members(members.length)
  showRows(
    find("members"),
    members.map(({ peer, node, since, held }) => ({
      key: peer,
      cells: [nameOf(peer), peer, node.slice(0, 8), durationText(now - since), held ? WORDS.away : WORDS.here],
    })),
  )
  find("dropped").hidden = dropped === 0
  find("dropped").textContent = WORDS.dropped(dropped)
  const entries = timeline.map((entry, at) => {
    const { peer, to, what, node = "" } = entry
    const who = peer === undefined ? node.slice(0, 8) : `${nameOf(peer)}${to === undefined ? "" : ` → ${nameOf(to)}`}`
    return {
      key: `${entry.at} ${node} ${peer} ${what} ${to} ${at - timeline.findIndex((other) => other.at === entry.at)}`,
      kind: KINDS[what] ?? "",
      cells: [time.format(entry.at), who, entryText(entry)],
    }
  })
  showRows(find("timeline"), entries.length > 0 ? entries : [{ key: "", cells: [WORDS.noTimeline] }], "li", "span")
}

/** Letters for peers, in the order in which they came: ids are long and alike. */
function namesOf({ members, timeline }: Pick<RoomAnswer, "members" | "timeline">): (peer: string) => string {
  const names = new Map<string, string>()
  const add = (peer: string | undefined): void => {
    if (peer === undefined || names.has(peer)) return
    const at = names.size
    names.set(peer, String.fromCharCode(65 + (at % 26)) + (at < 26 ? "" : String(Math.floor(at / 26))))
  }
  for (const { peer, to } of timeline) {
    add(peer)
    add(to)
  }
  for (const { peer } of members) add(peer)
  return (peer) => names.get(peer) ?? peer.slice(0, 8)
}
