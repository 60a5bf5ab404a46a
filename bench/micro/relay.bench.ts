// A relayed frame inside the server: reading it, and all of its way through a session to the publish.

import { decodeFrame } from "../../src/dialects/palava/client-events.ts"
import { decodeRelayFrame, type RelayFrame } from "../../src/dialects/palava/relay-frame.ts"
import { candidateData, offerData } from "../load/payloads.ts"
import { copiesOf, measure, type Timing } from "./harness.ts"
import { openRoom } from "./room.ts"

/** Measures reading and relaying of one kind of frame. */
async function relayOf(kind: string, data: object): Promise<Timing[]> {
  const { sender, senderId, receiverId, published } = await openRoom()
  const frames = copiesOf(JSON.stringify({ event: "send_to_peer", peer_id: receiverId, data }))
  const frame = (turn: number): string => frames[turn % frames.length] as string
  const suffix = `,"sender_id":"${receiverId}"}`
  const out: RelayFrame = { peerId: "", body: "" }
  const timings = [
    measure(`${kind}: JSON.parse alone`, (turn) => JSON.parse(frame(turn))),
    measure(`${kind}: decode and validate, the slow way`, (turn) => decodeFrame(frame(turn))),
    measure(`${kind}: decode and validate, the fast way`, (turn) => decodeRelayFrame(frame(turn), out)),
    measure(`${kind}: decode, splice, and make it one string`, (turn) => {
      decodeRelayFrame(frame(turn), out)
      return (out.body + suffix).charCodeAt(9)
    }),
    measure(`${kind}: from socket to publish`, (turn) => {
      sender.onMessage(frame(turn))
      return published.text.charCodeAt(9)
    }),
  ]
  const expected = JSON.stringify({ ...data, sender_id: senderId })
  if (published.text !== expected) throw new Error(`relayed ${published.text}`)
  return timings
}

/** Runs these micro benches. */
export async function relayBench(): Promise<Timing[]> {
  return [...(await relayOf("candidate 300 B", candidateData())), ...(await relayOf("offer 2.5 KB", offerData()))]
}
