// What travels on the wire, as the browser sees it (docs/protocol.md): the only file of the client with snake_case
// fields. Types only. The server is trusted to speak its own protocol, so its messages are not validated again.

/** What a peer tells the others about itself. Keys other than these are the application's own. */
export interface Status {
  name?: string
  user_agent?: string
  /** Set by this client when it comes back: the id it had before. Anybody can claim any id: decide by it nothing of weight. */
  previous_id?: string
  [key: string]: unknown
}

/** What one peer may tell another through the server. */
export interface PeerMessage {
  event: "offer" | "answer" | "ice_candidate" | "message"
  [key: string]: unknown
}

/** An entry of `ice_servers`, ready for `new RTCPeerConnection`. */
export interface IceServer {
  urls: string | string[]
  username?: string
  credential?: string
}

export type ServerEvent =
  | {
      event: "joined_room"
      own_id: string
      peers: { peer_id: string; status: Status }[]
      ice_servers?: IceServer[]
      ref?: string
    }
  | { event: "new_peer"; peer_id: string; status: Status }
  | { event: "peer_left"; sender_id: string }
  | { event: "peer_updated_status"; sender_id: string; status: Status }
  | { event: "error"; id: string; message: string; ref?: string }
  | { event: "shutdown"; seconds: number }
  | { event: "info"; protocol_version: string; server: string; version: string; ref?: string }
  | { event: "pong"; ref?: string }
  | (PeerMessage & { sender_id: string })

/** The events that answer a request directly and carry its `ref`. */
export type Answer = Extract<ServerEvent, { event: "joined_room" | "info" | "pong" }>

/** Reads one frame. Anything that is not an object with a text `event` is undefined: newer servers may say more. */
export function decodeServerEvent(text: unknown): ServerEvent | undefined {
  try {
    const message = JSON.parse(String(text))
    return typeof message?.event === "string" ? (message as ServerEvent) : undefined
  } catch {
    return undefined
  }
}
