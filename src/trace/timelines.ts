// What happened in the rooms of this node in the last hour, so that an operator can see why two peers did not connect: in
// memory, bounded per room and per node, the longest untouched room first to go. Of messages there is the kind and how
// many, never what is in them.
//
// The relay path pays for it up to a number of messages a second; above it a message costs an increment. So a busy node
// sees some of what is said, and that it saw some only (`unseen`).

import type { Clock } from "../clock.ts"
import type { PeerId, RoomKey } from "../rooms/ids.ts"
import type { RoomTracer, TraceEvent } from "../rooms/tracer.ts"
import { type CandidateCounts, kindOf, type MessageKind } from "./kind.ts"

/** One hour: whoever complains does it by then. */
const KEPT_MS = 3_600_000

/** 300 entries a room: ten people who call each other are 200. */
const MOST_PER_ROOM = 300

/** 30,000 entries a node: some 3 MB. */
const MOST_ENTRIES = 30_000

/** 4 entries: what a room takes besides its own; else whoever makes rooms in a loop would fill 7 MB. */
const ROOM_ENTRIES = 4

/** 1,000 at least are forgotten at a time: to find the first of a Map again and again takes long while others go and come. */
const FORGOTTEN_ENTRIES = 1_000

/** 60 s, ms: how often old ones are looked for. */
const LOOK_MS = 60_000

/** 2,000 messages looked at in a second: 40 calls that are set up, and 0.1 % of a core. */
const LOOKS_PER_SECOND = 2_000

/** Above that the clock is read at every 32nd message, which costs each of them 1 ns. */
const LOOK_AGAIN = 32

/** 10 s: what one peer says to another within that is one entry, with how often. */
const TOGETHER_MS = 10_000

/** 24 entries back: beyond, in a crowd, a new entry is made. */
const LOOK_BACK = 24

/** One line of a timeline; see docs/admin.md. */
export interface TraceEntry {
  /** Unix milliseconds. */
  readonly at: number
  readonly what: TraceEvent | MessageKind
  readonly peer?: PeerId | undefined
  /** Absent for all members. */
  readonly to?: PeerId | undefined
  readonly detail?: string | undefined
  /** The last of several. */
  until?: number
  /** How many, if not one. */
  count?: number
  /** Those in it, by type. */
  candidates?: CandidateCounts
}

/** One room's. */
interface Timeline {
  readonly entries: TraceEntry[]
  /** Entries dropped, as there were too many. */
  dropped: number
}

/** What is known of a room. */
export interface RoomTimeline {
  readonly timeline: readonly TraceEntry[]
  readonly dropped: number
}

/** See the head of this file. */
export class Timelines implements RoomTracer {
  readonly #clock: Clock
  /** The longest untouched first. */
  readonly #rooms = new Map<RoomKey, Timeline>()
  #entries = 0
  #lookedAt = 0
  #looksLeft = LOOKS_PER_SECOND
  #looksSince = 0
  #unseen = 0
  readonly #counts: CandidateCounts = { host: 0, srflx: 0, prflx: 0, relay: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Messages that were too many to look at, since the start. */
  get unseen(): number {
    return this.#unseen
  }

  /** Entries kept now. */
  get size(): number {
    return this.#entries
  }

  /** Entries kept now, and what their rooms take besides. */
  get #taken(): number {
    return this.#entries + this.#rooms.size * ROOM_ENTRIES
  }

  happened(room: RoomKey, peer: PeerId | undefined, what: TraceEvent, detail?: string): void {
    const at = this.#clock.unixMs()
    const isRepeated = what === "error" || what === "unreachable" || what === "gap"
    const known = isRepeated ? this.#findRecent(room, peer, undefined, what, at, detail) : undefined
    if (known !== undefined) countOneMore(known, at)
    else this.#add(room, { at, what, peer, detail })
  }

  relayed(room: RoomKey, from: PeerId, to: PeerId | undefined, text: string): void {
    if (this.#looksLeft > 0) this.#look(room, from, to, text)
    else if ((++this.#unseen & (LOOK_AGAIN - 1)) === 0) this.#refill(this.#clock.unixMs())
  }

  /** What happened in a room in the last hour; undefined when nothing did. */
  of(room: RoomKey): RoomTimeline | undefined {
    const known = this.#rooms.get(room)
    if (known === undefined) return undefined
    const from = this.#clock.unixMs() - KEPT_MS
    const timeline = known.entries.filter(({ at, until = at }) => until >= from)
    return timeline.length === 0 ? undefined : { timeline, dropped: known.dropped }
  }

  /** The rooms in which something happened in the last hour, the latest first, and when. */
  *latest(): IterableIterator<readonly [RoomKey, number]> {
    const from = this.#clock.unixMs() - KEPT_MS
    for (const [room, { entries }] of [...this.#rooms].reverse()) {
      const last = entries.at(-1)
      const at = last?.until ?? last?.at ?? 0
      if (at >= from) yield [room, at]
    }
  }

  #look(room: RoomKey, from: PeerId, to: PeerId | undefined, text: string): void {
    const at = this.#clock.unixMs()
    this.#refill(at)
    this.#looksLeft--
    const counts = this.#counts
    counts.host = counts.srflx = counts.prflx = counts.relay = 0
    const what = kindOf(text, counts)
    const known = this.#findRecent(room, from, to, what, at)
    const hasCandidates = counts.host + counts.srflx + counts.prflx + counts.relay > 0
    if (known === undefined) {
      this.#add(room, { at, what, peer: from, to, ...(hasCandidates ? { candidates: { ...counts } } : {}) })
      return
    }
    countOneMore(known, at)
    if (!hasCandidates) return
    known.candidates ??= { host: 0, srflx: 0, prflx: 0, relay: 0 }
    const sum = known.candidates
    sum.host += counts.host
    sum.srflx += counts.srflx
    sum.prflx += counts.prflx
    sum.relay += counts.relay
  }

  #refill(at: number): void {
    if (at - this.#looksSince < 1000 && at >= this.#looksSince) return
    this.#looksSince = at
    this.#looksLeft = LOOKS_PER_SECOND
  }

  /** The entry that says the same and is not over yet. */
  #findRecent(
    room: RoomKey,
    peer: PeerId | undefined,
    to: PeerId | undefined,
    what: TraceEntry["what"],
    now: number,
    detail?: string,
  ): TraceEntry | undefined {
    const entries = this.#rooms.get(room)?.entries ?? []
    const oldest = Math.max(0, entries.length - LOOK_BACK)
    for (let at = entries.length - 1; at >= oldest; at--) {
      const entry = entries[at] as TraceEntry
      if (entry.what !== what || entry.peer !== peer || entry.to !== to || entry.detail !== detail) continue
      return now - entry.at <= TOGETHER_MS ? entry : undefined
    }
    return undefined
  }

  #add(room: RoomKey, entry: TraceEntry): void {
    let timeline = this.#rooms.get(room)
    if (timeline === undefined) timeline = { entries: [], dropped: 0 }
    else this.#rooms.delete(room)
    this.#rooms.set(room, timeline)
    timeline.entries.push(entry)
    this.#entries++
    if (timeline.entries.length > MOST_PER_ROOM) {
      timeline.entries.shift()
      timeline.dropped++
      this.#entries--
    }
    if (this.#taken > MOST_ENTRIES || entry.at - this.#lookedAt >= LOOK_MS) this.#forget(entry.at)
  }

  #forget(now: number): void {
    this.#lookedAt = now
    const most = this.#taken > MOST_ENTRIES ? MOST_ENTRIES - FORGOTTEN_ENTRIES : MOST_ENTRIES
    for (const [oldest, { entries }] of this.#rooms) {
      const isOver = (entries.at(-1)?.at ?? 0) < now - KEPT_MS
      if (!isOver && this.#taken <= most) return
      this.#rooms.delete(oldest)
      this.#entries -= entries.length
    }
  }
}

function countOneMore(entry: TraceEntry, at: number): void {
  entry.count = (entry.count ?? 1) + 1
  entry.until = at
}
