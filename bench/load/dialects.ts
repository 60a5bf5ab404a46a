// How each server wants to be spoken to: connecting, and two connections that reach each other.
//
// A dialect builds the text of a relayed message, and says what has to come out at the other end.

import { type Address, type Connection, connect, Inbox } from "./connection.ts"

/** One of two connections that talk to each other. `data` is what one browser tells the other. */
export interface End {
  connection: Connection
  /** The text of the frame that says it to the other end. */
  toSent(data: object): string
  /** The text of the frame in which this end gets it from the other. */
  toReceived(data: object): string
}

/** Two connections that can reach each other, and the message from the first to the second. */
export interface Pair {
  sender: Connection
  receiver: Connection
  /** The frame's text. */
  text: string
  /** Whether `received` is the right outcome of `text`; the counter aside. */
  isRight(received: string): boolean
}

/** A server's way of speaking. */
export interface Dialect {
  /** Connects, and resolves when the server has it in the room, in the sense that the dialect has of one. */
  enter(address: Address, room: string): Promise<Connection>
  /** Connects two at different addresses, if there are several; resolves when they can reach each other. */
  openEnds(addresses: readonly Address[], room: string): Promise<[End, End]>
}

/** A palava connection that has joined a room. */
export interface JoinedPeer {
  connection: Connection
  inbox: Inbox
  id: string
}

const STATUS = { name: "Ada Lovelace", user_agent: "chrome" }

/** Connects and joins; resolves when `joined_room` has come. */
export async function joinPalava(address: Address, room: string): Promise<JoinedPeer> {
  const inbox = new Inbox()
  const connection = await connect(address, address.path ?? "/", inbox)
  connection.send({ event: "join_room", room_id: room, status: STATUS })
  const joined = await inbox.nextWhere("event", "joined_room")
  return { connection, inbox, id: String(joined["own_id"]) }
}

const toJson = (value: unknown): string => JSON.stringify(value)

let opened = 0

/** The addresses of two ends: rooms are spread over all nodes, and the members of each over two. */
function pickTwo(addresses: readonly Address[]): [Address, Address] {
  const turn = opened++
  return [addresses[turn % addresses.length] as Address, addresses[(turn + 1) % addresses.length] as Address]
}

/** What is said to the peer of this id, and heard from it, in palava's words. */
function sayingPalava(id: string): Pick<End, "toSent" | "toReceived"> {
  return {
    toSent: (data) => toJson({ event: "send_to_peer", peer_id: id, data }),
    toReceived: (data) => toJson({ ...data, sender_id: id }),
  }
}

const palava: Dialect = {
  async enter(address, room) {
    return (await joinPalava(address, room)).connection
  },
  async openEnds(addresses, room) {
    const [atOne, atOther] = pickTwo(addresses)
    const other = await joinPalava(atOther, room)
    const one = await joinPalava(atOne, room)
    await other.inbox.nextWhere("peer_id", one.id)
    return [
      { connection: one.connection, ...sayingPalava(other.id) },
      { connection: other.connection, ...sayingPalava(one.id) },
    ]
  },
}

function enterForwarder(address: Address, own: string, to: string): Promise<Connection> {
  return connect(address, `/?own=${own}&to=${to}`, new Inbox())
}

/** The forwarder gets the very frame that palava gets, so both read and write the same bytes. */
const forwarder: Dialect = {
  enter(address) {
    const own = crypto.randomUUID()
    return enterForwarder(address, own, own)
  },
  async openEnds(addresses) {
    const [atOne, atOther] = pickTwo(addresses)
    const [one, other] = [crypto.randomUUID(), crypto.randomUUID()]
    const toText = (data: object): string => toJson({ event: "send_to_peer", peer_id: one, data })
    const toEnd = async (address: Address, own: string, to: string): Promise<End> => ({
      connection: await enterForwarder(address, own, to),
      toSent: toText,
      toReceived: toText,
    })
    return [await toEnd(atOne, one, other), await toEnd(atOther, other, one)]
  },
}

function enterFloor(address: Address, own: string): Promise<Connection> {
  return connect(address, `/?own=${own}`, new Inbox())
}

/** The floor takes palava's frames and gives palava's; there are no rooms. */
const floor: Dialect = {
  enter: (address) => enterFloor(address, crypto.randomUUID()),
  async openEnds(addresses) {
    const [atOne, atOther] = pickTwo(addresses)
    const [one, other] = [crypto.randomUUID(), crypto.randomUUID()]
    const toEnd = async (address: Address, own: string, to: string): Promise<End> => ({
      connection: await enterFloor(address, own),
      ...sayingPalava(to),
    })
    return [await toEnd(atOne, one, other), await toEnd(atOther, other, one)]
  },
}

async function enterPeerjs(address: Address, id: string): Promise<Connection> {
  const inbox = new Inbox()
  const path = `${address.path ?? "/peerjs?key=peerjs"}&id=${id}&token=bench&version=1.5.5`
  const connection = await connect(address, path, inbox)
  await inbox.nextWhere("type", "OPEN")
  return connection
}

/** https://peerjs.com: a client registers under an id, and there are no rooms; CANDIDATE goes to `dst`, and arrives with `src`. */
const peerjs: Dialect = {
  enter: (address) => enterPeerjs(address, crypto.randomUUID()),
  async openEnds(addresses) {
    const [atOne, atOther] = pickTwo(addresses)
    const [one, other] = [crypto.randomUUID(), crypto.randomUUID()]
    const toEnd = async (address: Address, own: string, to: string): Promise<End> => ({
      connection: await enterPeerjs(address, own),
      toSent: (data) => toJson({ type: "CANDIDATE", dst: to, payload: data }),
      toReceived: (data) => toJson({ type: "CANDIDATE", src: to, dst: own, payload: data }),
    })
    return [await toEnd(atOne, one, other), await toEnd(atOther, other, one)]
  },
}

/** Connects and subscribes. */
export async function subscribeYWebrtc(address: Address, topic: string): Promise<Connection> {
  const inbox = new Inbox()
  const connection = await connect(address, address.path ?? "/", inbox)
  connection.send({ type: "subscribe", topics: [topic] })
  connection.send({ type: "ping" })
  await inbox.nextWhere("type", "pong")
  return connection
}

/** y-webrtc's signaling: `publish` reaches each subscriber of a topic with the number of them added. Here each end has a topic. */
const yWebrtc: Dialect = {
  enter: subscribeYWebrtc,
  async openEnds(addresses, room) {
    const [atOne, atOther] = pickTwo(addresses)
    const [one, other] = [`${room}-one`, `${room}-other`]
    const toEnd = async (address: Address, own: string, to: string): Promise<End> => ({
      connection: await subscribeYWebrtc(address, own),
      toSent: (data) => toJson({ type: "publish", topic: to, data }),
      toReceived: (data) => toJson({ type: "publish", topic: own, data, clients: 1 }),
    })
    return [await toEnd(atOne, one, other), await toEnd(atOther, other, one)]
  },
}

/** All dialects by the name that a run is started with. */
export const DIALECTS = { palava, forwarder, floor, peerjs, "y-webrtc": yWebrtc }

/** A dialect's name. */
export type DialectName = keyof typeof DIALECTS

/** A pair of the dialect, and the message with `data` from one to the other. */
export async function openPair(
  dialect: DialectName,
  addresses: readonly Address[],
  room: string,
  data: object,
): Promise<Pair> {
  const [one, other] = await DIALECTS[dialect].openEnds(addresses, room)
  const expected = other.toReceived(data)
  return {
    sender: one.connection,
    receiver: other.connection,
    text: one.toSent(data),
    isRight: (received) => received === expected,
  }
}
