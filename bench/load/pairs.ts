// Pairs that relay at a steady pace while something else happens to the server: what those who are in feel of it. In a
// process of its own, with priority, as the others would make it late.

import { makeFrame } from "./connection.ts"
import { DIALECTS, type End } from "./dialects.ts"
import { type LoadRequest, type LoadResult, makeTally, settle } from "./measure.ts"
import { untilStopped } from "./parts.ts"

/** 20 ms between two messages of a pair, by the clock and not by the answer before. */
const PACE_MS = 20

/** One direction of a pair: sends by the clock, and checks what comes. */
function relaySteadily(from: End, to: End, tally: ReturnType<typeof makeTally>, paceMs: number): () => void {
  const sentAt: number[] = []
  let arrived = 0
  to.connection.handler = {
    onFrame(_connection, bytes, start, length) {
      const text = bytes.toString("utf8", start, start + length)
      if (text !== to.toReceived({ event: "message", number: arrived })) {
        tally.wrong++
        tally.firstWrong ||= text.slice(0, 300)
        return
      }
      tally.latency.add(Bun.nanoseconds() - (sentAt[arrived++] as number))
      tally.completed++
    },
    onChunkEnd() {},
    onClose() {
      tally.wrong++
      tally.firstWrong ||= "the server closed a pair's connection"
    },
  }
  const timer = setInterval(() => {
    sentAt.push(Bun.nanoseconds())
    from.connection.write(makeFrame(from.toSent({ event: "message", number: sentAt.length - 1 })))
    tally.sent++
  }, paceMs)
  return () => clearInterval(timer)
}

/** Runs `rooms` pairs until the input ends. */
export async function pairs({ dialect, addresses, rooms, paceMs = PACE_MS }: LoadRequest): Promise<LoadResult> {
  const tally = makeTally()
  const ends: [End, End][] = []
  const stops: (() => void)[] = []
  for (let room = 0; room < rooms; room++) {
    const [one, other] = await DIALECTS[dialect].openEnds(addresses, `pair-${crypto.randomUUID()}`)
    ends.push([one, other])
  }
  const started = Bun.nanoseconds()
  // One after the other, so that they do not all send in the same moment.
  for (const [one, other] of ends) {
    stops.push(relaySteadily(one, other, tally, paceMs))
    await settle(() => false, paceMs / 1000 / rooms)
  }
  await untilStopped()
  for (const stop of stops) stop()
  const seconds = (Bun.nanoseconds() - started) / 1e9
  const whole = await settle(() => tally.completed === tally.sent)
  const lost = whole ? 0 : tally.sent - tally.completed
  return {
    operations: tally.completed,
    seconds,
    generatorMicroseconds: 0,
    p50: tally.latency.percentile(0.5),
    p99: tally.latency.percentile(0.99),
    p999: tally.latency.percentile(0.999),
    errors: tally.wrong + lost,
    firstError: tally.firstWrong || (lost > 0 ? `${lost} lost` : ""),
  }
}
