// Redis stores for tests, each deployment under a prefix of its own.

import { makeRedisRoomStore, type RedisRoomStoreOptions } from "../../src/cluster/redis-room-store.ts"
import { Recorder } from "../conformance/recorder.ts"
import type { RedisServer } from "./redis.ts"

let deployments = 0

/** A prefix nobody else uses. */
export function makePrefix(): string {
  return `test-${process.pid}-${++deployments}`
}

/** The keys of a deployment, but for those of the statistics, which are meant to stay. */
export async function keysOf(servers: readonly RedisServer[], prefix: string): Promise<string[]> {
  const keys = await Promise.all(servers.map((server) => server.cli("KEYS", `*${prefix}*`)))
  const all = keys.flatMap((text) => text.trim().split("\n"))
  return all.filter((key) => key !== "" && !key.includes(":store:stats:"))
}

/** Starts a store with a listener that records. */
export async function startStore(options: RedisRoomStoreOptions, heard = new Recorder()) {
  const store = makeRedisRoomStore(options)
  await store.start(heard)
  return { store, heard, [Symbol.asyncDispose]: () => store.close(5000) }
}
