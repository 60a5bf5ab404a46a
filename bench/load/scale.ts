// Relay among more and more idle connections: does a message cost more when many others are connected?
// The relaying rooms are opened in between the idle ones, not before them, so they lie apart in the server's memory.

import { CountedStream } from "./counted-stream.ts"
import { openPair } from "./dialects.ts"
import { openIdle, residentAtRest } from "./idle.ts"
import { type LoadRequest, type LoadResult, makeTally, measure, settle } from "./measure.ts"
import { candidateData } from "./payloads.ts"

/** Runs the scale scenario: `connections` in all, of which `rooms` pairs talk. */
export async function scale(request: LoadRequest): Promise<LoadResult> {
  const tally = makeTally()
  const run = crypto.randomUUID().slice(0, 8)
  const idleBetween = Math.floor((request.connections - 2 * request.rooms) / request.rooms)
  const streams: CountedStream[] = []
  for (let room = 0; room < request.rooms; room++) {
    const pair = await openPair(request.dialect, request.addresses, `${run}-${room}`, candidateData())
    const stream = new CountedStream(pair.sender, pair.text, request.window, tally, pair.isRight)
    stream.receivedBy(pair.receiver)
    streams.push(stream)
    await openIdle(request, `${run}-idle-${room}`, idleBetween)
  }
  const atRest = await residentAtRest(request)
  for (const stream of streams) stream.start()
  const measured = await measure(request, tally, (counted) => counted.completed)
  for (const stream of streams) stream.stop()
  const whole = await settle(() => tally.completed === tally.sent)
  const lost = whole ? 0 : tally.sent - tally.completed
  return {
    ...measured,
    residentBytes: atRest,
    errors: tally.wrong + lost,
    firstError: tally.firstWrong || (lost ? `${lost} lost` : ""),
  }
}
