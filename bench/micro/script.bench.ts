// The Lua scripts against a real Redis: a join and a leave of the same peer, one at a time (a round trip) and many at a
// time (what Redis and the pipeline can do).

import { createHash } from "node:crypto"
import { makeRedisRoomStore } from "../../src/cluster/redis-room-store.ts"
import { makePeerId, type RoomKey } from "../../src/rooms/ids.ts"
import type { RoomListener } from "../../src/rooms/room-store.ts"
import { startRedis } from "../servers/servers.ts"
import { measureMany, type Timing } from "./harness.ts"

const deaf: RoomListener = {
  onRoomEvent() {},
  onRelay() {},
  onRelayFailed() {},
  onRoomOpened() {},
  onSwept() {},
  onRoomClosed() {},
  async onResync() {},
}

/** Runs these micro benches. */
export async function scriptBench(): Promise<Timing[]> {
  const redis = await startRedis()
  const store = makeRedisRoomStore({ urls: [redis.url] })
  try {
    await store.start(deaf)
    const visit = async (turn: number): Promise<void> => {
      const room = createHash("sha256").update(`room ${turn}`).digest("hex") as RoomKey
      const peer = makePeerId()
      await store.join({
        room,
        peer,
        generation: 1,
        rev: 1,
        status: "{}",
        limit: 50,
        ifTaken: "leave",
        withSnapshot: true,
      })
      await store.leave(room, peer, 1)
    }
    return [
      await measureMany("join and leave over Redis, one at a time", 1, visit),
      await measureMany("join and leave over Redis, 64 at a time, each", 64, visit),
    ]
  } finally {
    await store.close(1000)
    await redis.stop()
  }
}
