// The cluster's room store as the program uses it: over a real Redis, named by URLs and a prefix.

import { ClusterRoomStore, type ClusterRoomStoreOptions } from "./cluster-room-store.ts"
import type { RedisTls } from "./redis/clients.ts"
import { makeRedisBackend } from "./redis/connection.ts"
import { DEFAULT_PREFIX, makeKeys } from "./redis/keys.ts"

/** What a Redis store is made with. */
export interface RedisRoomStoreOptions extends Omit<ClusterRoomStoreOptions, "backend" | "keys"> {
  /** `redis://` or `rediss://`; several with `isCluster`, some nodes of one Redis Cluster. */
  readonly urls: readonly string[]
  readonly isCluster?: boolean
  /** For `rediss://`. */
  readonly tls?: RedisTls
  /** First part of every name in Redis. */
  readonly prefix?: string
  /** Partitions of the deployment, the same on every node. */
  readonly partitions?: number
}

/** A store on that Redis, not yet started. Throws on what is no Redis URL. */
export function makeRedisRoomStore(options: RedisRoomStoreOptions): ClusterRoomStore {
  const { urls, isCluster = false, tls = {}, prefix = DEFAULT_PREFIX, partitions, ...more } = options
  const backend = makeRedisBackend({ urls, isCluster, tls })
  return new ClusterRoomStore({ ...more, backend, keys: makeKeys(prefix, isCluster, partitions) })
}
