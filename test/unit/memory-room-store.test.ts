// The memory store keeps the contract.

import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import { Recorder } from "../conformance/recorder.ts"
import { roomStoreSuite } from "../conformance/room-store.ts"

roomStoreSuite("MemoryRoomStore", async () => {
  const store = new MemoryRoomStore()
  const heard = new Recorder()
  await store.start(heard)
  return { store, heard, [Symbol.asyncDispose]: () => store.close(0) }
})
