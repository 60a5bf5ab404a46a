// What a dialect over Engine.IO asks of polling: one way where this node is alone (sessions.ts), another where a client's
// next request may reach any node (passage.ts).

import type { Admission, Visit } from "../contract.ts"

/** 10,000 clients that poll at once: each may hold a queue, and none holds a file descriptor that would bound them. */
export const MOST_POLLING = 10_000

/** One request of a client. */
export interface PollingRequest {
  readonly request: Request
  readonly visit: Visit
  /** Whether answers are to be text payloads. */
  readonly isText: boolean
}

/** See the head of this file. */
export interface Polling {
  /** A client that begins. */
  begin(asked: PollingRequest): Promise<Response>
  /** GET with an id. */
  poll(sid: string, asked: PollingRequest): Response | Promise<Response>
  /** POST with an id. */
  post(sid: string, asked: PollingRequest): Response | Promise<Response>
  /** A WebSocket with an id. */
  upgrade(sid: string, request: Request, visit: Pick<Visit, "visitor" | "port">): Admission
}
