// What listeners of the client hear. Types only.
import type { ConnectionState } from "./connection.ts"
import type { ReceivedMessage } from "./messages.ts"
import type { SignalingError } from "./requests.ts"
import type { JoinedRoom } from "./room.ts"
import type { Status } from "./wire.ts"

/** What listeners hear. The names are those of the wire, but for `locked`, which is two there. */
export interface SignalingEvents {
  state: ConnectionState
  joined_room: JoinedRoom
  /**
   * Back as oneself after a break: same id, same peers. When it is not complete, messages may be lost, ours or theirs;
   * who came, left or changed meanwhile was told just before.
   */
  resumed: { complete: boolean }
  new_peer: { peerId: string; status: Status }
  /** `whileAway`: noticed when we came back. Perhaps this peer lost its connection, too, and is about to come back. */
  peer_left: { peerId: string; whileAway: boolean }
  peer_updated_status: { peerId: string; status: Status }
  /** Who saw to it that nobody new comes in, or that others come in again. */
  locked: { peerId: string; isLocked: boolean }
  /** A message that a peer sent with `send`. */
  relayed: { peerId: string; message: ReceivedMessage }
  /** An error of the server that answers none of the requests: to a `send`, for example. */
  error: SignalingError
  /** The server goes away in so many seconds. The connection comes back by itself. */
  shutdown: { seconds: number }
}
