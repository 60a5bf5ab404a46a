// One room with many members; one of them publishes to it again and again, as y-webrtc's clients do (a status that changes
// so often is told now and then). One operation is one delivery: a message reaches every member, its author included.

import { type Connection, connect, Inbox } from "./connection.ts"
import { CountedStream } from "./counted-stream.ts"
import { subscribeYWebrtc } from "./dialects.ts"
import { type LoadRequest, type LoadResult, makeTally, measure, settle } from "./measure.ts"
import { statusFields } from "./payloads.ts"

interface Audience {
  author: Connection
  members: Connection[]
  text: string
  isRight(received: string): boolean
}

async function openYWebrtc(request: LoadRequest, topic: string): Promise<Audience> {
  const members: Connection[] = []
  for (let index = 0; index < request.connections; index++) {
    const address = request.addresses[index % request.addresses.length] as LoadRequest["addresses"][number]
    members.push(await subscribeYWebrtc(address, topic))
  }
  const message = { type: "publish", topic, data: statusFields() }
  const expected = JSON.stringify({ ...message, clients: members.length })
  return {
    author: members[0] as Connection,
    members,
    text: JSON.stringify(message),
    isRight: (received) => received === expected,
  }
}

/** The forwarder publishes what the server would have made of it, so both deliver the same bytes. */
async function openForwarder(request: LoadRequest, room: string): Promise<Audience> {
  const members: Connection[] = []
  for (let index = 0; index < request.connections; index++) {
    const address = request.addresses[index % request.addresses.length] as LoadRequest["addresses"][number]
    members.push(await connect(address, `/?own=${room}&to=${room}`, new Inbox()))
  }
  const text = JSON.stringify({ type: "publish", topic: room, data: statusFields(), clients: members.length })
  return { author: members[0] as Connection, members, text, isRight: (received) => received === text }
}

/** Runs the fan-out scenario: `connections` members in one room. */
export async function fanOut(request: LoadRequest): Promise<LoadResult> {
  const tally = makeTally()
  const room = crypto.randomUUID().slice(0, 8)
  const { author, members, text, isRight } = await (request.dialect === "y-webrtc" ? openYWebrtc : openForwarder)(
    request,
    room,
  )
  const stream = new CountedStream(author, text, request.window, tally, isRight)
  for (const member of members) stream.receivedBy(member)
  stream.start()
  const measured = await measure(request, tally, (counted) => counted.deliveries)
  stream.stop()
  const whole = await settle(() => tally.completed === tally.sent)
  const lost = whole ? 0 : tally.sent - tally.completed
  return { ...measured, errors: tally.wrong + lost, firstError: tally.firstWrong || (lost > 0 ? `${lost} lost` : "") }
}
