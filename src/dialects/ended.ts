// What a connection speaks once its client goes on elsewhere, on another connection or at another node: nothing.

import type { Connection } from "../connections/connection.ts"
import type { PeerId } from "../rooms/ids.ts"
import type { Conversation } from "./conversation.ts"

/** Nothing that still comes over `connection` means anything, and its end ends no membership. */
export function makeEnded(connection: Connection): Conversation {
  return {
    connection,
    peer: connection.id as PeerId,
    membership: undefined,
    maxFrameBytes: connection.receiver.maxFrameBytes,
    onMessage() {},
    onRefused() {},
    onClose() {},
    sendEvent() {},
  }
}
