// Redis stores for tests, each deployment under a prefix of its own.

import { RedisRoomStore, type RedisRoomStoreOptions } from "../../src/redis/redis-room-store.ts"
import { Recorder } from "../conformance/room-store.ts"

let deployments = 0

/** A prefix nobody else uses. */
export function makePrefix(): string {
  return `test-${process.pid}-${++deployments}`
}

/** Starts a store with a listener that records. */
export async function startStore(options: RedisRoomStoreOptions, heard = new Recorder()) {
  const store = new RedisRoomStore(options)
  await store.start(heard)
  return { store, heard, [Symbol.asyncDispose]: () => store.close() }
}
