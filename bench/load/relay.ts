// Rooms of two; one browser of each sends to the other. One operation is one message that has arrived.

import { CountedStream } from "./counted-stream.ts"
import { openPair } from "./dialects.ts"
import { type LoadRequest, type LoadResult, makeTally, measure, settle } from "./measure.ts"
import { candidateData, offerData } from "./payloads.ts"

/** Runs the relay scenario against one server. */
export async function relay(request: LoadRequest): Promise<LoadResult> {
  const tally = makeTally()
  const streams: CountedStream[] = []
  const run = crypto.randomUUID().slice(0, 8)
  for (let room = 0; room < request.rooms; room++) {
    const data = request.payload === "offer" ? offerData() : candidateData()
    const pair = await openPair(request.dialect, request.addresses, `${run}-${room}`, data)
    const stream = new CountedStream(pair.sender, pair.text, request.window, tally, pair.isRight)
    stream.receivedBy(pair.receiver)
    streams.push(stream)
  }
  for (const stream of streams) stream.start()
  const measured = await measure(request, tally, (counted) => counted.completed)
  for (const stream of streams) stream.stop()
  const whole = await settle(() => tally.completed === tally.sent)
  const lost = whole ? 0 : tally.sent - tally.completed
  return { ...measured, errors: tally.wrong + lost, firstError: tally.firstWrong || (lost > 0 ? `${lost} lost` : "") }
}
