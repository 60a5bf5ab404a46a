// What a page imports from the client. docs/client.md shows how to use it.
export { type Address, type ConnectionState, DEFAULT_TIMING, type Timing } from "./connection.ts"
export { Emitter } from "./emitter.ts"
export { SignalingError } from "./requests.ts"
export { type JoinedRoom, SignalingClient, type SignalingEvents } from "./signaling-client.ts"
export type { IceServer, PeerMessage, Status } from "./wire.ts"
