// How each server wants to be spoken to: connecting, and a pair of connections ready to relay.
//
// A dialect builds the text of one relayed message and says whether what came out of the other end is what should have.

import { type Address, type Connection, connect, Inbox } from "./connection.ts"

/** Two connections that can reach each other, and the message from the first to the second. */
export interface Pair {
  sender: Connection
  receiver: Connection
  /** The frame's text. */
  text: string
  /** Whether `received` is the right outcome of `text`; the counter aside. */
  isRight(received: string): boolean
}

/** A server's way of speaking. `data` is what one browser tells the other. */
export interface Dialect {
  openPair(addresses: readonly Address[], room: string, data: object): Promise<Pair>
}

/** A palava connection that has joined a room. */
export interface JoinedPeer {
  connection: Connection
  inbox: Inbox
  id: string
}

/** Connects and joins; resolves when `joined_room` has come. */
export async function joinPalava(address: Address, room: string, status: object): Promise<JoinedPeer> {
  const inbox = new Inbox()
  const connection = await connect(address, "/", inbox)
  connection.send({ event: "join_room", room_id: room, status })
  const joined = await inbox.nextWhere("event", "joined_room")
  return { connection, inbox, id: String(joined["own_id"]) }
}

const toJson = (value: unknown): string => JSON.stringify(value)

/** The address for the nth connection: rooms are spread over all nodes, and the members of each over two. */
function pick(addresses: readonly Address[], index: number): Address {
  return addresses[index % addresses.length] as Address
}

let pairs = 0

const palava: Dialect = {
  async openPair(addresses, room, data) {
    const turn = pairs++
    const receiver = await joinPalava(pick(addresses, turn + 1), room, { name: "receiver" })
    const sender = await joinPalava(pick(addresses, turn), room, { name: "sender" })
    await receiver.inbox.nextWhere("peer_id", sender.id)
    const expected = toJson({ ...data, sender_id: sender.id })
    return {
      sender: sender.connection,
      receiver: receiver.connection,
      text: toJson({ event: "send_to_peer", peer_id: receiver.id, data }),
      isRight: (received) => received === expected,
    }
  },
}

/** The forwarder gets the very frame that palava gets, so both read and write the same bytes. */
const forwarder: Dialect = {
  async openPair(addresses, room, data) {
    const turn = pairs++
    const [own, to] = [`${room}-${crypto.randomUUID()}`, `${room}-${crypto.randomUUID()}`]
    const text = toJson({ event: "send_to_peer", peer_id: crypto.randomUUID(), data })
    const receiver = await connect(pick(addresses, turn + 1), `/?own=${to}&to=${own}`, new Inbox())
    const sender = await connect(pick(addresses, turn), `/?own=${own}&to=${to}`, new Inbox())
    return { sender, receiver, text, isRight: (received) => received === text }
  },
}

/** https://peerjs.com: a client registers under an id; CANDIDATE goes to `dst`, and arrives with `src`. */
const peerjs: Dialect = {
  async openPair(addresses, room, data) {
    const turn = pairs++
    const path = (id: string) => `/peerjs?key=peerjs&id=${id}&token=bench&version=1.5.5`
    const [from, to] = [`${room}-from`, `${room}-to`]
    const inboxes = [new Inbox(), new Inbox()] as const
    const sender = await connect(pick(addresses, turn), path(from), inboxes[0])
    const receiver = await connect(pick(addresses, turn + 1), path(to), inboxes[1])
    await Promise.all(inboxes.map((inbox) => inbox.nextWhere("type", "OPEN")))
    const expected = toJson({ type: "CANDIDATE", src: from, dst: to, payload: data })
    const text = toJson({ type: "CANDIDATE", dst: to, payload: data })
    return { sender, receiver, text, isRight: (received) => received === expected }
  },
}

/** y-webrtc's signaling: topics; `publish` reaches each subscriber with the number of them added. */
const yWebrtc: Dialect = {
  async openPair(addresses, room, data) {
    const turn = pairs++
    const inbox = new Inbox()
    const sender = await connect(pick(addresses, turn), "/", new Inbox())
    const receiver = await connect(pick(addresses, turn + 1), "/", inbox)
    receiver.send({ type: "subscribe", topics: [room] })
    receiver.send({ type: "ping" })
    await inbox.nextWhere("type", "pong")
    const text = toJson({ type: "publish", topic: room, data })
    const expected = toJson({ type: "publish", topic: room, data, clients: 1 })
    return { sender, receiver, text, isRight: (received) => received === expected }
  },
}

/** All dialects by the name that a run is started with. */
export const DIALECTS = { palava, forwarder, peerjs, "y-webrtc": yWebrtc }

/** A dialect's name. */
export type DialectName = keyof typeof DIALECTS
