// What this machine lets a node have, where the options do not say: places for connections, and memory.

import { totalmem } from "node:os"
import { type Config, workersOf } from "../config/options.ts"

/**
 * A twentieth of the open files, 100 to 1,000, is kept back: for Redis, the operators' listener, files, plug-ins, and for
 * sockets that have not said yet what they are.
 */
const RESERVED_PART = 0.05
const RESERVED_LEAST = 100
const RESERVED_MOST = 1_000

/** A quarter, for all workers: what else a connection costs, and dead objects not yet collected, take as much again. */
const MEMORY_PART = 0.25

/** 1 MiB in bytes. */
const MIB = 1_048_576

/** Files of those that may be open that no connection of a client gets; half of them, where they are few. */
export function reservedFiles(limit: number): number {
  return Math.min(Math.ceil(limit / 2), Math.max(RESERVED_LEAST, Math.min(RESERVED_MOST, limit * RESERVED_PART)))
}

/**
 * Most connections: what is configured, and no more than there are files for; 0 is no limit.
 * @param files that may be open; 0 is no limit
 */
export function maxConnectionsOf({ maxConnections }: Pick<Config, "maxConnections">, files: number): number {
  if (files === 0) return maxConnections
  const places = files - reservedFiles(files)
  return maxConnections === 0 ? places : Math.min(maxConnections, places)
}

/** Most that may be kept for connections of one process, in bytes. */
export function memoryBytesOf(config: Pick<Config, "memoryMb" | "workers">): number {
  if (config.memoryMb > 0) return config.memoryMb * MIB
  // Of the control group, where there is one with a limit; else it is absurdly large.
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
  return (memory * MEMORY_PART) / workersOf(config)
}
