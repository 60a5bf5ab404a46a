// One room with many members; one of them changes its status again and again. One operation is one delivery: a change
// reaches every member, its author included.

import { type Connection, connect, Inbox } from "./connection.ts"
import { CountedStream } from "./counted-stream.ts"
import { joinPalava } from "./dialects.ts"
import { type LoadRequest, type LoadResult, makeTally, measure, settle } from "./measure.ts"
import { statusFields } from "./payloads.ts"

interface Audience {
  author: Connection
  members: Connection[]
  text: string
  isRight(received: string): boolean
}

async function openPalava(request: LoadRequest, room: string): Promise<Audience> {
  const members: Connection[] = []
  let author: { connection: Connection; id: string } | null = null
  for (let index = 0; index < request.connections; index++) {
    const address = request.addresses[index % request.addresses.length] as LoadRequest["addresses"][number]
    const peer = await joinPalava(address, room, index === 0 ? statusFields() : { name: `peer ${index}` })
    author ??= peer
    members.push(peer.connection)
  }
  if (!author) throw new Error("a room needs members")
  const expected = JSON.stringify({ event: "peer_updated_status", sender_id: author.id, status: statusFields() })
  return {
    author: author.connection,
    members,
    text: JSON.stringify({ event: "update_status", status: statusFields() }),
    isRight: (received) => received === expected,
  }
}

/** The forwarder publishes what palava would have made of it, so both deliver the same bytes. */
async function openForwarder(request: LoadRequest, room: string): Promise<Audience> {
  const members: Connection[] = []
  for (let index = 0; index < request.connections; index++) {
    const address = request.addresses[index % request.addresses.length] as LoadRequest["addresses"][number]
    members.push(await connect(address, `/?own=${room}&to=${room}`, new Inbox()))
  }
  const sender_id = crypto.randomUUID()
  const text = JSON.stringify({ event: "peer_updated_status", sender_id, status: statusFields() })
  return { author: members[0] as Connection, members, text, isRight: (received) => received === text }
}

/** Runs the fan-out scenario: `connections` members in one room. */
export async function fanOut(request: LoadRequest): Promise<LoadResult> {
  const tally = makeTally()
  const room = crypto.randomUUID().slice(0, 8)
  const { author, members, text, isRight } = await (request.dialect === "palava" ? openPalava : openForwarder)(
    request,
    room,
  )
  const stream = new CountedStream(author, text, request.window, tally, isRight)
  // The last joins may still be on their way to the first members.
  for (const member of members) stream.receivedBy(member, (other) => other.includes('"event":"new_peer"'))
  stream.start()
  const measured = await measure(request, tally, (counted) => counted.deliveries)
  stream.stop()
  const whole = await settle(() => tally.completed === tally.sent)
  const lost = whole ? 0 : tally.sent - tally.completed
  return { ...measured, errors: tally.wrong + lost, firstError: tally.firstWrong || (lost > 0 ? `${lost} lost` : "") }
}
