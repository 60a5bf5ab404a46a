// Connections over TLS that are closed as soon as the WebSocket is open, each by a handshake in full or with the ticket of an
// earlier one. One operation is one connection opened and closed; latency is from connect to the answer of the WebSocket
// handshake. node:tls and not connection.ts, as only it can give a ticket back.

import { connect as connectTcp, type Socket } from "node:net"
import { connect as connectTls, type TLSSocket } from "node:tls"
import type { Address } from "./connection.ts"
import type { Tally } from "./counted-stream.ts"
import { type LoadRequest, type LoadResult, makeTally, measureTurns } from "./measure.ts"

const HEADERS =
  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/** Ends a socket without a word, so that no port waits for what is still on its way. */
function end(socket: Socket): void {
  socket.resetAndDestroy()
}

/** Opens one; resolves with its socket once the server has answered with 101. */
function open(address: Address, path: string, ticket: Buffer | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const to = { host: address.hostname, port: address.port }
    const session = ticket === undefined ? {} : { session: ticket }
    const secure = { rejectUnauthorized: false, minVersion: "TLSv1.3", ...session } as const
    const socket = address.isSecure ? connectTls({ ...to, ...secure }) : connectTcp(to)
    socket.once(address.isSecure ? "secureConnect" : "connect", () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${address.hostname}:${address.port}\r\n${HEADERS}`)
    })
    socket.once("data", (head: Buffer) => {
      if (head.toString("latin1", 0, 12) === "HTTP/1.1 101") resolve(socket)
      else reject(new Error(`no upgrade: ${head.toString("latin1", 0, 200)}`))
    })
    socket.once("error", reject)
    socket.once("close", () => reject(new Error("closed before the handshake was answered")))
  })
}

async function takeTicket(address: Address, path: string): Promise<Buffer> {
  const socket = (await open(address, path, undefined)) as TLSSocket
  const ticket = socket.getSession()
  end(socket)
  if (ticket === undefined) throw new Error("the server gives no tickets")
  return ticket
}

/** Runs the handshake scenario: `rooms` connections at a time, with tickets if `resumesTls`. */
export async function handshake({ resumesTls = false, ...request }: LoadRequest): Promise<LoadResult> {
  const [address] = request.addresses as [Address]
  const path = request.dialect === "forwarder" ? "/?own=bench&to=nobody" : (address.path ?? "/")
  const ticket = resumesTls ? await takeTicket(address, path) : undefined
  const tally: Tally = makeTally()
  return measureTurns(request, tally, "stuck handshakes", async () => {
    const started = Bun.nanoseconds()
    const socket = await open(address, path, ticket)
    if (address.isSecure && (socket as TLSSocket).isSessionReused() !== resumesTls)
      throw new Error(resumesTls ? "the ticket was not taken" : "a handshake was not in full")
    end(socket)
    tally.latency.add(Bun.nanoseconds() - started)
    tally.completed++
  })
}
