// What a relayed message costs the trace of its room: among the 2,000 a second that it looks at, and beyond them.

import { SYSTEM_CLOCK } from "../../src/clock.ts"
import { type PeerId, toRoomKey } from "../../src/rooms/ids.ts"
import { Timelines } from "../../src/trace/timelines.ts"
import { candidateData, offerData } from "../load/payloads.ts"
import { copiesOf, measure, type Timing } from "./harness.ts"

const [ROOM, SENDER, RECEIVER] = [toRoomKey("tea"), "one" as PeerId, "other" as PeerId]

/** 1 ms from one look at the clock to the next: so few messages are never too many to look at. */
const STEP_MS = 1

/** Measures both. */
export function traceBench(): Timing[] {
  const candidates = copiesOf(JSON.stringify(candidateData()))
  const offers = copiesOf(JSON.stringify(offerData()))
  let now = 0
  const seldom = new Timelines({ ...SYSTEM_CLOCK, unixMs: () => (now += STEP_MS) })
  const always = new Timelines(SYSTEM_CLOCK)
  const relay = (timelines: Timelines, texts: readonly string[]) => (turn: number) =>
    timelines.relayed(ROOM, SENDER, RECEIVER, texts[turn % texts.length] as string)
  return [
    measure("trace: a candidate that is looked at", relay(seldom, candidates)),
    measure("trace: an offer of 2.5 KB that is looked at", relay(seldom, offers)),
    measure("trace: one of too many messages", relay(always, candidates)),
  ]
}
