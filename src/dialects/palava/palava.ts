// The palava dialect (protocol.md): the server's own.

import type { Dialect } from "../contract.ts"
import type { PalavaParts } from "./client.ts"
import { PalavaConversation } from "./conversation.ts"
import { PALAVA_ENCODER } from "./encoder.ts"

/** Makes the dialect. */
export function makePalava(parts: PalavaParts): Dialect {
  return {
    name: "palava",
    subProtocol: "palava.1.0",
    encoder: PALAVA_ENCODER,
    recognises: () => true,
    open: (connection) => new PalavaConversation(connection, parts),
  }
}
