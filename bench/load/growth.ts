// What a relay, a visit and memory cost when there is more: of connections, of rooms, of members in a room, of nodes. The rooms
// that talk are opened in between the idle ones, not before them, so they lie apart in the server's memory.
//
// One operation is one message that has arrived. Behind that, visits are measured: one connects, enters a room that all others
// are in already, and closes; each member is told twice.

import type { Address, FrameHandler } from "./connection.ts"
import { CountedStream } from "./counted-stream.ts"
import { DIALECTS, openPair } from "./dialects.ts"
import { inTwos, openIdle, residentAtRest, spread } from "./idle.ts"
import { type LoadRequest, type LoadResult, makeTally, measure, measureTurns, settle } from "./measure.ts"
import { candidateData } from "./payloads.ts"

/** Visits at a time. */
const VISITORS = 16

const ignore: FrameHandler = { onFrame() {}, onChunkEnd() {}, onClose() {} }

/** Visits to rooms of these names, one after the other. */
function measureVisits(request: LoadRequest, rooms: readonly string[]): Promise<LoadResult> {
  const { addresses, dialect } = request
  const tally = makeTally()
  let next = 0
  return measureTurns({ ...request, rooms: VISITORS }, tally, "stuck visits", async () => {
    const turn = next++
    const started = Bun.nanoseconds()
    const address = spread(addresses[turn % addresses.length] as Address, turn)
    const connection = await DIALECTS[dialect].enter(address, rooms[turn % rooms.length] as string)
    tally.latency.add(Bun.nanoseconds() - started)
    connection.handler = ignore
    connection.close()
    tally.completed++
  })
}

/** Runs the growth scenario: `connections` at least, of which a pair talks in each of `rooms` rooms of `roomSize`. */
export async function growth(request: LoadRequest): Promise<LoadResult> {
  const { connections, dialect, addresses, rooms, roomSize = 2 } = request
  const tally = makeTally()
  const run = crypto.randomUUID().slice(0, 8)
  const names = Array.from({ length: rooms }, (_, room) => `${run}-${room}`)
  const idleBetween = Math.max(0, Math.floor((connections - roomSize * rooms) / rooms))
  const streams: CountedStream[] = []
  const ends: { handler: FrameHandler }[] = []
  for (const name of names) {
    const pair = await openPair(dialect, addresses, name, candidateData())
    await openIdle(request, roomSize - 2, () => name)
    const stream = new CountedStream(pair.sender, pair.text, request.window, tally, pair.isRight)
    stream.receivedBy(pair.receiver, (text) => text.includes("new_peer"))
    ends.push(pair.sender, pair.receiver)
    streams.push(stream)
    await openIdle(request, idleBetween, inTwos(`${name}-idle`))
  }
  const atRest = await residentAtRest(request)
  for (const stream of streams) stream.start()
  const measured = await measure(request, tally, (counted) => counted.completed)
  for (const stream of streams) stream.stop()
  const whole = await settle(() => tally.completed === tally.sent)
  const lost = whole ? 0 : tally.sent - tally.completed
  for (const end of ends) end.handler = ignore
  const visits = await measureVisits(request, names)
  return {
    ...measured,
    residentBytes: atRest,
    ...(visits.cpuMicroseconds !== undefined && { visitMicroseconds: visits.cpuMicroseconds }),
    errors: tally.wrong + lost + visits.errors,
    firstError: tally.firstWrong || (lost ? `${lost} lost` : visits.firstError),
  }
}
