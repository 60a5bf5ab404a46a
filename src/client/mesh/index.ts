// The second entry point: connections to everybody in the room. docs/client.md shows how to use it.
import type { SignalingClient } from "../index.ts"
import { Mesh, type MeshOptions } from "./mesh.ts"

export type { ChannelData, LinkState, TrackKind } from "./link.ts"
export type { Mesh, MeshEvents, MeshOptions } from "./mesh.ts"
export type { Obstacle } from "./obstacle.ts"
export type { MeshPeer } from "./peer.ts"
export type { Quality } from "./quality.ts"

/**
 * Connects this page with everybody in the client's room, whoever comes, until `close`. To be called before `join`.
 * @throws Error when the client is in a room already: offers may have come that nobody heard
 */
export function mesh(client: SignalingClient, options: MeshOptions = {}): Mesh {
  return new Mesh(client, options)
}
