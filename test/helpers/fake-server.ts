// A small fake server for the browser client, that can refuse, go silent, close with any code and come back; and a client
// that keeps what it is told. Coming back as oneself is resuming-server.ts's.

import type { Server, ServerWebSocket } from "bun"
import { SignalingClient, SignalingError, type SignalingEvents } from "../../src/client/index.ts"

type Request = { event: string; ref?: string } & Record<string, unknown>
type Peer = { peer_id: string; status: Record<string, unknown> }

/** Short enough that a test of a time-out takes no time, long enough for a busy machine to answer within. */
export const TIMING = {
  connectMs: 1_000,
  pingEveryMs: 20_000,
  pongWithinMs: 10_000,
  requestMs: 2_000,
  retry: { firstMs: 5, longestMs: 20 },
}

/** Answers joins with `peers`, and whatever `answers` says to the rest; keeps what it was sent. */
export class FakeServer implements Disposable {
  peers: Peer[] = []
  answers: Record<string, (request: Request, socket: ServerWebSocket<undefined>) => object | undefined> = {}
  readonly received: Request[] = []
  readonly sockets = new Set<ServerWebSocket<undefined>>()
  #joins = 0
  #server: Server<undefined> | undefined
  #port = 0
  #onReceived = () => undefined as unknown

  constructor() {
    this.start()
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}/`
  }

  start(): void {
    this.#server = Bun.serve<undefined>({
      port: this.#port,
      hostname: "127.0.0.1",
      fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 400 })),
      websocket: {
        open: (socket) => void this.sockets.add(socket),
        close: (socket) => void this.sockets.delete(socket),
        message: (socket, text) => this.#onMessage(socket, JSON.parse(String(text))),
      },
    })
    this.#port = this.#server.port ?? 0
  }

  stop(): void {
    this.#server?.stop(true)
  }

  tell(event: object): void {
    for (const socket of this.sockets) socket.send(JSON.stringify(event))
  }

  closeAll(code: number): void {
    for (const socket of this.sockets) socket.close(code)
  }

  /** Waits until so many requests of that event have come. */
  async got(event: string, count = 1): Promise<Request[]> {
    for (;;) {
      const found = this.received.filter((request) => request.event === event)
      if (found.length >= count) return found
      await new Promise((resolve) => {
        this.#onReceived = () => resolve(undefined)
      })
    }
  }

  [Symbol.dispose](): void {
    this.stop()
  }

  #onMessage(socket: ServerWebSocket<undefined>, request: Request): void {
    const { ref } = request
    this.received.push(request)
    const answer = this.answers[request.event]
    if (answer !== undefined) {
      const event = answer(request, socket)
      if (event !== undefined) socket.send(JSON.stringify({ ...event, ref }))
    } else if (request.event === "join_room") {
      socket.send(JSON.stringify({ event: "joined_room", own_id: `own-${++this.#joins}`, peers: this.peers, ref }))
    } else if (request.event === "ping") socket.send(JSON.stringify({ event: "pong", ref }))
    this.#onReceived()
  }
}

/** A client that is closed with the test, and everything it tells. */
export function makeClient(url: string, timing: Partial<typeof TIMING> = {}) {
  const client = new SignalingClient(url, { ...TIMING, ...timing })
  const told: [string, unknown][] = []
  for (const name of ["joined_room", "new_peer", "peer_left", "peer_updated_status", "relayed", "error"] as const) {
    client.on(name, (event) => told.push([name, event]))
  }
  return {
    client,
    told,
    next: <Name extends keyof SignalingEvents>(
      name: Name,
      matches: (event: SignalingEvents[Name]) => boolean = () => true,
    ) =>
      new Promise<SignalingEvents[Name]>((resolve) => {
        const off = client.on(name, (event) => {
          if (!matches(event)) return
          off()
          resolve(event)
        })
      }),
    [Symbol.dispose]: () => client.close(),
  }
}

/** The id of the error that a promise is rejected with. */
export async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  )
  return error instanceof SignalingError ? error.id : `not refused: ${error}`
}
