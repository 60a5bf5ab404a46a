// The words of the console that come and go; those that stay are in index.html.

import type { TimelineEntry } from "./api.ts"

export const WORDS = {
  figures: {
    connections: "connections",
    members: "people in rooms",
    rooms: "rooms",
    joins: "joins / s",
    relays: "messages / s",
    errors: "errors / s",
  },
  nodeColumns: [
    "node",
    "state",
    "lease",
    "up",
    "connections",
    "rooms",
    "members",
    "memory",
    "CPU",
    "messages / s",
    "errors / s",
    "log",
    "version",
  ],
  roomColumns: ["room", "members", "age", "nodes"],
  memberColumns: ["", "peer", "node", "for", "client"],
  ready: "ready",
  here: "here",
  away: "away, may come back",
  moreRooms: (shown: number, total: number) => `The ${shown} largest of ${total} rooms.`,
  gone: (count: number) => `Rooms that were left in the last hour: ${count}`,
  ago: (time: string) => `${time} ago`,
  noHashing: "Names work only over https or on localhost; give the first digits of the hash.",
  /** A refusal that names a hash, for who asked by a name. */
  namedSo: (refusal: string, name: string) => refusal.replace(/begins with [0-9a-f]{64}/, `is called "${name}"`),
  dayTold: (joins: string, rooms: string) => `Joins: ${joins}. Rooms: ${rooms}. A stay counts when it ends.`,
  room: (digits: string) => `Room ${digits}`,
  noFindings: "Nothing stands out: no two members have begun to set a call up.",
  between: (one: string, other: string) => `${one} and ${other}`,
  members: (count: number) => (count === 1 ? "1 member" : `${count} members`),
  nobody: "Nobody is in it now",
  noTimeline: "Nothing happened here in the last hour, or timelines are off (--no-trace-rooms).",
  dropped: (count: number) => `${count} earlier entries were dropped.`,
  unanswered: (node: string, reason: string) => `Node ${node}: ${reason}`,
  cannotAsk: (reason: string) => `The server cannot be asked: ${reason}`,
} as const

/** What happened, as the lines of a timeline say it. */
const EVENTS: Readonly<Record<string, string>> = {
  joined: "joined",
  refused: "was refused",
  left: "left",
  resumed: "came back as itself",
  lost: "lost its connection, and is waited for",
  closed: "connection closed",
  error: "was told of an error",
  unreachable: "a message did not arrive",
  gap: "events were missed, and the room was repaired",
  reclaimed: "members were claimed back",
  offer: "offer",
  answer: "answer",
  candidates: "candidates",
  message: "message",
}

/** The kinds of candidates, for people. */
const TYPES: Readonly<Record<string, string>> = {
  host: "own network",
  srflx: "by STUN",
  prflx: "found by the peer",
  relay: "by TURN",
}

/** One entry in words, behind who did it. */
export function entryText({ what, count = 1, candidates, detail }: TimelineEntry): string {
  const types = Object.entries(candidates ?? {}).flatMap(([type, many]) =>
    many > 0 ? [`${many} ${TYPES[type] ?? type}`] : [],
  )
  const many = count > 1 ? ` × ${count}` : ""
  const more = [types.join(", "), detail ?? ""].filter((part) => part !== "").join("; ")
  return `${EVENTS[what] ?? what}${many}${more === "" ? "" : `: ${more}`}`
}
