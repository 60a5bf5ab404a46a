// What has come of frames that are not whole yet. Bun keeps it and tells nobody, but Linux says how much came over a socket,
// and its connection how much of that were whole frames. It is looked at only while the process takes so much memory that
// unfinished frames may be a good part of it; elsewhere than on Linux, never.

import { isSameAddress } from "../access/networks.ts"
import type { Connection } from "../connections/connection.ts"
import type { Connections } from "../connections/connections.ts"
import { UNREAD_BYTES } from "./receive-buffers.ts"
import { TcpSockets } from "./tcp-sockets.ts"

/** 1 s: 100 MB come in it over a fast line; to look at 10,000 connections takes a hundredth of it. */
const LOOK_MS = 1_000

/** Half of what may be kept: below that the whole process, of which this is a part, is too small for it to matter. */
const LOOK_PART = 0.5

const NONE: ReadonlyMap<Connection, number> = new Map()

/** What is looked at. */
export interface UnfinishedParts {
  readonly connections: Connections
  /** By which clients come. */
  readonly port: number
  /** Most files that may be open; 0 is no limit. */
  readonly files: number
}

/** Begins to look. @returns what ends it */
export function watchUnfinishedFrames({ connections, port, files }: UnfinishedParts): () => void {
  const { open, memory, limits } = connections
  const sockets = TcpSockets.open()
  if (sockets === undefined) return () => {}
  let isLooking = false
  const look = async (): Promise<void> => {
    isLooking = true
    const byPort = Map.groupBy(open.values(), ({ clientPort }) => clientPort)
    const found = new Map<Connection, number>()
    await sockets.each(files || Number.POSITIVE_INFINITY, (file) => {
      if (sockets.receivedBytes < UNREAD_BYTES) return
      const ends = sockets.endsOf(file)
      if (ends?.ownPort !== port) return
      for (const connection of byPort.get(ends.port) ?? []) {
        const { socket, account } = connection
        const unfinished = sockets.receivedBytes - account.receivedBytes
        if (unfinished < UNREAD_BYTES || !isSameAddress(socket?.remoteAddress ?? "", ends.address)) continue
        found.set(connection, unfinished)
      }
    })
    memory.unfinished = found
    isLooking = false
  }
  const timer = setInterval(() => {
    if (process.memoryUsage.rss() < limits.memoryBytes * LOOK_PART) memory.unfinished = NONE
    else if (!isLooking) look()
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}
