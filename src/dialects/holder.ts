// The holder of a membership that ends with its connection: for dialects whose clients cannot come back as themselves.

import { CLOSE } from "../connections/close.ts"
import type { Connection } from "../connections/connection.ts"
import type { Holder } from "../rooms/membership.ts"

/** Makes one; `told` is what the dialect has to say of it. */
export function makeHolder(
  connection: Connection,
  told: Pick<Holder, "onJoined" | "onTakenOver" | "onReplaced" | "onRelayFailed">,
): Holder {
  return {
    ...told,
    get isOpen() {
      return !connection.isClosed
    },
    topic: connection.id,
    subscribe: (topic) => connection.socket?.subscribe(topic),
    unsubscribe: (topic) => connection.socket?.unsubscribe(topic),
    payer: connection,
    onPressure: () => connection.checkBacklog(),
    onExpired: () => connection.close(CLOSE.unauthorized),
  }
}
