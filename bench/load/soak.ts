// What a server meets all day, for as long as is asked for: connections that stay, rooms of four that come and go, pairs that
// talk. Does its memory grow? One operation is one visit.

import { joinStorm } from "./join-storm.ts"
import { type LoadRequest, type LoadResult, settle } from "./measure.ts"
import { startPart } from "./parts.ts"
import { residentBytes } from "./process-cost.ts"

/** Rooms that come and go, one after the other: some 1,000 visits a second, which leaves the server half of its core. */
const ROOMS = 1
/** Pairs that talk meanwhile. */
const PAIRS = 10
/** Times that memory is read, but not more often than once a second. */
const MOST_SAMPLES = 240
/** Of the time, before memory counts: by then the heap has the size that this load wants. */
const SETTLING_PART = 0.2

/** The slope of the line nearest to the values, which are at equal distances, from the first to the last, as a part of their mean. */
export function growthOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const middle = (values.length - 1) / 2
  let [above, below] = [0, 0]
  for (const [index, value] of values.entries()) {
    above += (index - middle) * (value - mean)
    below += (index - middle) ** 2
  }
  return ((above / below) * (values.length - 1)) / mean
}

/** Runs the soak: `connections` that stay, for `seconds`. */
export async function soak(request: LoadRequest): Promise<LoadResult> {
  const { seconds, pids } = request
  const held = await startPart({ ...request, scenario: "held" })
  const pairs = await startPart({ ...request, scenario: "pairs", rooms: PAIRS }, true)
  const settlingSeconds = seconds * SETTLING_PART
  const samples = Math.min(MOST_SAMPLES, Math.ceil(seconds - settlingSeconds) + 1)
  const resident: number[] = []
  const read = async (): Promise<void> => {
    await settle(() => false, settlingSeconds)
    for (let sample = 0; sample < samples; sample++) {
      resident.push(residentBytes(pids))
      await settle(() => false, (seconds - settlingSeconds) / samples)
    }
  }
  const [visits] = await Promise.all([joinStorm({ ...request, rooms: ROOMS }), read()])
  const [relayed, idle] = await Promise.all([pairs.stop(), held.stop()])
  const hours = (seconds - settlingSeconds) / 3600
  return {
    ...visits,
    residentBytes: resident.at(-1) ?? 0,
    growthPerHour: growthOf(resident) / hours,
    pairsP99: relayed.p99,
    errors: visits.errors + relayed.errors + idle.errors,
    firstError: visits.firstError || relayed.firstError || idle.firstError,
  }
}
