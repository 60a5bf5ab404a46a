// What is counted of clients that come back as themselves, summed over the dialects that know how.

import type { Dialect } from "../dialects/contract.ts"
import { HAND_OVER_OUTCOMES, type HandOverOutcome, type ResumptionCounters } from "../dialects/counters.ts"
import type { Metrics } from "./registry.ts"

/** Adds them. */
export function addResumeMetrics(
  { addCounter, addGauge }: Metrics,
  dialects: readonly Pick<Dialect, "resumptions">[],
): void {
  const sum = (read: (counters: ResumptionCounters) => number) => (): number =>
    dialects.reduce((total, { resumptions }) => total + (resumptions === undefined ? 0 : read(resumptions)), 0)
  const complete = sum((counters) => counters.complete)
  const incomplete = sum((counters) => counters.incomplete)
  const failed = sum((counters) => counters.failed)
  const byOutcome = (outcome: HandOverOutcome) => sum(({ handOvers }) => handOvers[outcome])
  const handOvers = HAND_OVER_OUTCOMES.map((outcome) => [outcome, byOutcome(outcome)] as const)
  const byMembership = sum(({ framesDropped }) => framesDropped.membership)
  const byNode = sum(({ framesDropped }) => framesDropped.node)
  addGauge(
    "palava_resume_held_members",
    "Members without a connection, held for their clients.",
    sum(({ held }) => held),
  )
  addGauge(
    "palava_resume_kept_bytes",
    "Frames kept for clients that may come back, in bytes.",
    sum(({ keptBytes }) => keptBytes),
  )
  addCounter(
    "palava_resume_requests_total",
    "Requests to come back: complete, incomplete (frames may be lost), or failed.",
    () => ({ complete: complete(), incomplete: incomplete(), failed: failed() }),
    "outcome",
  )
  addCounter(
    "palava_resume_hand_overs_total",
    "Members who came from other nodes, by what became of the frames kept there: complete, incomplete (something was missing there), silent (the node is dead), late, or unknown (another release).",
    () => Object.fromEntries(handOvers.map(([outcome, read]) => [outcome, read()])),
    "outcome",
  )
  addCounter(
    "palava_resume_expired_total",
    "Held members whose clients did not come back in time.",
    sum(({ expired }) => expired),
  )
  addCounter(
    "palava_resume_frames_dropped_total",
    "Kept frames dropped, by the bound that was reached: of one membership, or of the node.",
    () => ({ membership: byMembership(), node: byNode() }),
    "bound",
  )
}
