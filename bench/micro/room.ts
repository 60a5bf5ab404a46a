// A node with one room of two members and sockets that only remember, for measuring without a network.

import { SYSTEM_CLOCK } from "../../src/clock.ts"
import { Connection } from "../../src/connections/connection.ts"
import { Connections } from "../../src/connections/connections.ts"
import type { Socket } from "../../src/connections/socket.ts"
import type { Hooks } from "../../src/dialects/hooks.ts"
import { makePalava } from "../../src/dialects/palava/palava.ts"
import type { Log } from "../../src/log.ts"
import type { PeerId } from "../../src/rooms/ids.ts"
import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import { makeRooms } from "../../src/rooms/rooms.ts"

const log: Log = { error() {}, warn() {}, info() {}, debug() {} }

/** Two members of a room, and what the last one was sent. */
export interface OpenRoom {
  sender: Connection
  senderId: PeerId
  receiverId: PeerId
  /** What was published last. */
  published: { topic: string; text: string }
}

/** Opens it; the memory store answers at once, so both are in the room when it returns. */
export async function openRoom(hooks: Hooks = {}): Promise<OpenRoom> {
  const published = { topic: "", text: "" }
  const topics = {
    publish(topic: string, text: string): boolean {
      published.topic = topic
      published.text = text
      return false
    },
  }
  const limits = {
    roomSize: 50,
    roomLocks: "off",
    maxFrameBytes: 65_536,
    ratePerSecond: 0,
    rateBurst: 12_000,
    joinsPerSecond: 0,
    outputKbPerSecond: 0,
    addressShare: 0,
    addressConnections: 0,
    addressConnectsPerSecond: 0,
    maxConnections: 0,
    joinSeconds: 0,
    memoryBytes: Number.POSITIVE_INFINITY,
    pingSeconds: 25,
    deadSeconds: 50,
    maxBacklogBytes: 1_048_576,
    resumeSeconds: 30,
    resumeMemoryMb: 64,
  }
  const connections = new Connections({ limits, log, observer: hooks.observer })
  const rooms = makeRooms({ store: new MemoryRoomStore(), topics, log, observer: hooks.observer })
  await rooms.start()
  const plain = {
    topics: { subscribe() {}, unsubscribe() {} },
    ice: { urls: [], turnSecret: "", turnTtlSeconds: 60 },
    isClustered: false,
  }
  const palava = makePalava({ ...plain, rooms, hooks, log, clock: SYSTEM_CLOCK, limits })
  const url = new URL("http://bench/")
  const handshake = { request: new Request(url.href), url, pathname: url.pathname }
  const place = connections.places.of("127.0.0.1")
  const join = async (): Promise<Connection> => {
    const connection = new Connection(connections, (it) => palava.open(it, handshake), place)
    const joined = Promise.withResolvers<void>()
    const socket: Socket = {
      send: (text) => text.startsWith('{"event":"joined_room"') && joined.resolve(),
      close() {},
      ping() {},
      getBufferedAmount: () => 0,
      subscribe() {},
      unsubscribe() {},
    }
    connection.onOpen(socket)
    connection.onMessage('{"event":"join_room","room_id":"bench","status":{"name":"Ada"}}')
    await joined.promise
    // The connection goes on to its next message in a later turn.
    await new Promise((resolve) => setImmediate(resolve))
    return connection
  }
  const sender = await join()
  const receiver = await join()
  return { sender, senderId: sender.id as PeerId, receiverId: receiver.id as PeerId, published }
}
