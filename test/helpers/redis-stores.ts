// Redis stores for tests, each deployment under a prefix of its own.

import { ClusterRoomStore, type ClusterRoomStoreOptions } from "../../src/cluster/cluster-room-store.ts"
import { Recorder } from "../conformance/room-store.ts"
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
export async function startStore(options: ClusterRoomStoreOptions, heard = new Recorder()) {
  const store = new ClusterRoomStore(options)
  await store.start(heard)
  return { store, heard, [Symbol.asyncDispose]: () => store.close() }
}
