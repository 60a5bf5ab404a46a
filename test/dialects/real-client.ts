// The npm package socket.io-client 1.7.4, unchanged: as much of it as the tests use. It has no types of its own.

import { createRequire } from "node:module"

/** A socket of the package. */
export interface RealSocket {
  readonly id: string
  readonly io: { readonly engine: { readonly transport: { readonly name: string } } }
  on(name: string, listener: (...values: unknown[]) => void): void
  emit(name: string, ...values: unknown[]): void
  disconnect(): void
}

const connect = createRequire(import.meta.url)("socket.io-client") as (url: string, options: object) => RealSocket

/** Connects, and waits for the last event that a newcomer is sent. */
export async function connectReal(url: string, transports: readonly string[]): Promise<RealSocket> {
  const socket = connect(url, { transports, forceNew: true, reconnection: false })
  await Promise.race([
    once(socket, "turnservers"),
    once(socket, "connect_error").then((cause) => {
      throw new Error(`cannot connect to ${url}`, { cause })
    }),
  ])
  return socket
}

/** The values of the next event of that name. */
export function once(socket: RealSocket, name: string): Promise<unknown[]> {
  return new Promise((resolve) => socket.on(name, (...values) => resolve(values)))
}

/** Sends an event and waits for its acknowledgement. */
export function ask(socket: RealSocket, name: string, value: unknown): Promise<unknown[]> {
  return new Promise((resolve) => socket.emit(name, value, (...values: unknown[]) => resolve(values)))
}
