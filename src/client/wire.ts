// What travels on the wire, as the browser sees it (docs/protocol.md): with messages.ts the only file of the client
// with snake_case fields. The server is trusted to speak its own protocol, so its messages are not validated again;
// what peers relay is, in messages.ts.

/** What a peer tells the others about itself. Keys other than these are the application's own. */
export interface Status {
  name?: string
  user_agent?: string
  /** Set by this client when it joins anew: the id it had before. Anybody can claim any id: decide by it nothing of weight. */
  previous_id?: string
  [key: string]: unknown
}

/** An entry of `ice_servers`, ready for `new RTCPeerConnection`. */
export interface IceServer {
  urls: string | string[]
  username?: string
  credential?: string
}

/** A member of the room, as the wire lists it. */
export interface WirePeer {
  peer_id: string
  status: Status
}

/** What takes a membership over from another connection, and for how long after a break, in seconds. */
export interface ResumeTicket {
  token: string
  seconds: number
}

/** The membership is ours again. When it is not complete, the room is told anew, and counting begins anew. */
export type Resumed = { event: "resumed"; own_id: string; received: number; resume?: ResumeTicket } & (
  | { complete: true }
  | { complete: false; status: Status; peers: WirePeer[] }
)

/** What the server says of the room, of our requests and of itself. */
export type ServerEvent =
  | {
      event: "joined_room"
      own_id: string
      peers: WirePeer[]
      ice_servers?: IceServer[]
      resume?: ResumeTicket
      ref?: string
    }
  | Resumed
  | { event: "new_peer"; peer_id: string; status: Status }
  | { event: "peer_left"; sender_id: string }
  | { event: "room_locked" | "room_unlocked"; peer_id: string }
  | { event: "peer_updated_status"; sender_id: string; status: Status }
  | { event: "error"; id: string; message: string; ref?: string }
  | { event: "shutdown"; seconds: number }
  | {
      event: "info"
      protocol_version: string
      server: string
      version: string
      ice_servers?: IceServer[]
      ref?: string
    }
  | { event: "pong"; received?: number; ref?: string }
  | RelayedEvent

/** What a peer said, unchecked: peers may say anything in it. */
export interface RelayedEvent {
  event: "offer" | "answer" | "ice_candidate" | "message"
  sender_id: string
  [field: string]: unknown
}

/** The events that answer a request directly and carry its `ref`. */
export type Answer = Extract<ServerEvent, { event: "joined_room" | "info" | "pong" }>

/** Reads one frame. Anything that is not an object with a text `event` is undefined: newer servers may say more. */
export function decodeServerEvent(text: string): ServerEvent | undefined {
  try {
    const message = JSON.parse(text)
    return typeof message?.event === "string" ? (message as ServerEvent) : undefined
  } catch {
    return undefined
  }
}
