// Why did it not connect? What the timeline of a room says of each two of its peers, the worst first. It sees signaling
// alone: whether media flows, only the browsers know.

import type { CandidateCounts } from "../trace/kind.ts"
import type { TraceEntry } from "../trace/timelines.ts"
import type { Finding, MemberReport } from "./reports.ts"

/** 50 pairs: a call of ten has 45. */
const MOST_FINDINGS = 50

/** What one peer has told another. */
interface Told {
  offers: number
  answers: number
  candidates: CandidateCounts
}

/** The worst first: in this order they are looked for and shown. */
const TEXTS: Readonly<Record<Finding["finding"], string>> = {
  no_offer: "neither has sent the other an offer: look into the page's console",
  no_answer: "an offer, and no answer: the page that got it did not take it",
  no_candidates: "offer and answer, but one has sent no candidates: its browser found no network it may use",
  own_network_only:
    "candidates of their own networks alone: it works only inside one network. Does the STUN server answer (palava-machine doctor)?",
  no_relay: "no candidates of a TURN server: it fails behind strict firewalls",
  complete: "all that is needed was said: if there is no call, look for a firewall, or whether the TURN server relays",
}

/** Whoever does one of these is or was in the room. */
const ENTERING: ReadonlySet<TraceEntry["what"]> = new Set(["joined", "left", "resumed", "lost"])

/** Messages, whatever is in them. */
const MESSAGES: ReadonlySet<TraceEntry["what"]> = new Set(["offer", "answer", "candidates", "message"])

const ORDER = Object.keys(TEXTS) as Finding["finding"][]

/** What stands out, for pairs that have said something to each other and for members who should have. */
export function findingsOf(members: readonly MemberReport[], timeline: readonly TraceEntry[]): Finding[] {
  // In dialects whose peers are a room each, an answer is in another room than its offer: nothing can be said there.
  const inRoom = new Set(members.map(({ peer }) => peer))
  for (const { what, peer } of timeline) if (peer !== undefined && ENTERING.has(what)) inRoom.add(peer)
  const told = new Map<string, Told>()
  const pairs = new Map<string, readonly [string, string]>()
  const addPair = (one: string, other: string): void => {
    if (!pairs.has(`${other} ${one}`)) pairs.set(`${one} ${other}`, [one, other])
  }
  for (const { what, peer, to, count = 1, candidates } of timeline) {
    if (peer === undefined || to === undefined || !inRoom.has(peer) || !inRoom.has(to)) continue
    if (what !== "offer" && what !== "answer" && what !== "candidates") continue
    addPair(peer, to)
    const key = `${peer} ${to}`
    const sum = told.get(key) ?? { offers: 0, answers: 0, candidates: { host: 0, srflx: 0, prflx: 0, relay: 0 } }
    told.set(key, sum)
    if (what === "offer") sum.offers += count
    else if (what === "answer") sum.answers += count
    for (const type of ["host", "srflx", "prflx", "relay"] as const) sum.candidates[type] += candidates?.[type] ?? 0
  }
  // Silence between two is worth a word where peers speak to each other by name, and if their time together was seen whole.
  const isSaidToAll = timeline.some(({ what, to }) => to === undefined && MESSAGES.has(what))
  const seenToJoin = new Set<string | undefined>(
    timeline.filter(({ what }) => what === "joined").map(({ peer }) => peer),
  )
  const judged = isSaidToAll ? [] : members.map(({ peer }) => peer).filter((peer) => seenToJoin.has(peer))
  for (const [at, peer] of judged.entries()) {
    if (pairs.size >= MOST_FINDINGS) break
    for (const other of judged.slice(at + 1)) addPair(peer, other)
  }
  return [...pairs.values()]
    .map((peers): Finding => {
      const finding = judge(told.get(peers.join(" ")), told.get([...peers].reverse().join(" ")))
      return { peers, finding, text: TEXTS[finding] }
    })
    .sort((one, other) => ORDER.indexOf(one.finding) - ORDER.indexOf(other.finding))
    .slice(0, MOST_FINDINGS)
}

function judge(one: Told | undefined, other: Told | undefined): Finding["finding"] {
  const both = [one, other].filter((told) => told !== undefined)
  const sum = (read: (told: Told) => number): number => both.reduce((total, told) => total + read(told), 0)
  const has = (told: Told | undefined): boolean => told !== undefined && total(told.candidates) > 0
  if (sum(({ offers }) => offers) === 0) return "no_offer"
  if (sum(({ answers }) => answers) === 0) return "no_answer"
  if (!has(one) || !has(other)) return "no_candidates"
  if (sum(({ candidates: { srflx, prflx, relay } }) => srflx + prflx + relay) === 0) return "own_network_only"
  return sum(({ candidates }) => candidates.relay) === 0 ? "no_relay" : "complete"
}

function total({ host, srflx, prflx, relay }: CandidateCounts): number {
  return host + srflx + prflx + relay
}
