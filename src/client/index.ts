// What a page imports from the client. docs/client.md shows how to use it.
export { type Address, type ConnectionState, DEFAULT_TIMING, type Timing } from "./connection.ts"
export { Emitter } from "./emitter.ts"
export type { SignalingEvents } from "./events.ts"
export type {
  AnyCandidate,
  AnyDescription,
  Candidate,
  Description,
  PeerMessage,
  ReceivedMessage,
} from "./messages.ts"
export { SignalingError } from "./requests.ts"
export type { JoinedRoom } from "./room.ts"
export { SignalingClient } from "./signaling-client.ts"
export type { ClientOptions, Token } from "./token.ts"
export type { IceServer, Status } from "./wire.ts"
