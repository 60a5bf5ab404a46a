// A hub with one room of two sessions and sockets that only remember, for measuring without a network.

import type { PeerId } from "../../src/rooms/ids.ts"
import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import type { Hooks } from "../../src/signaling/hooks.ts"
import { Hub, type Log } from "../../src/signaling/hub.ts"
import { Session } from "../../src/signaling/session.ts"
import type { Socket } from "../../src/signaling/socket.ts"

const silent: Log = { error() {}, warn() {}, info() {}, debug() {} }

/** Two members of a room, and what the last one was sent. */
export interface OpenRoom {
  hub: Hub
  sender: Session
  receiverId: PeerId
  /** What was published last. */
  published: { topic: string; text: string }
}

/** Opens it; the memory store answers at once, so both are in the room when it returns. */
export async function openRoom(hooks: Hooks = {}): Promise<OpenRoom> {
  const published = { topic: "", text: "" }
  const topics = {
    publish(topic: string, text: string): void {
      published.topic = topic
      published.text = text
    },
  }
  const limits = { roomSize: 50, ratePerSecond: 0, rateBurst: 12_000, pingSeconds: 25, deadSeconds: 50 }
  const hub = new Hub({ store: new MemoryRoomStore(), topics, limits, hooks, log: silent })
  await hub.start()
  const join = async (): Promise<Session> => {
    const session = new Session(hub)
    const joined = Promise.withResolvers<void>()
    const socket: Socket = {
      send: (text) => text.startsWith('{"event":"joined_room"') && joined.resolve(),
      close() {},
      ping() {},
      subscribe() {},
      unsubscribe() {},
    }
    session.onOpen(socket)
    session.onMessage('{"event":"join_room","room_id":"bench","status":{"name":"Ada"}}')
    await joined.promise
    // The session goes on to its next message in a later turn.
    await new Promise((resolve) => setImmediate(resolve))
    return session
  }
  const sender = await join()
  const receiver = await join()
  hub.clock.stop()
  return { hub, sender, receiverId: receiver.peer, published }
}
