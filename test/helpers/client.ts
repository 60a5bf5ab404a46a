// A plain client of the protocol for tests: it keeps every event it got, in order, and waits for the next one.

/** 30 s: far above any answer of a healthy server on a loaded machine; reached only when a test fails. */
const WAIT_MS = 30_000

/** One event as it came over the wire. */
export type WireEvent = { event: string } & Record<string, unknown>

/** A connected client. */
export class TestClient implements AsyncDisposable {
  readonly #socket: WebSocket
  readonly #inbox: WireEvent[] = []
  readonly #waiting: { matches: (event: WireEvent) => boolean; resolve: (event: WireEvent) => void }[] = []
  /** Resolves with the close code and reason. */
  readonly closed: Promise<{ code: number; reason: string }>
  /** Every event that came, in order, whether waited for or not. */
  readonly all: WireEvent[] = []
  /** Told of each event when it comes. */
  onEvent: ((event: WireEvent) => void) | undefined
  /** The own peer id, once in a room. */
  ownId = ""

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.onmessage = ({ data }) => this.#onEvent(JSON.parse(data as string) as WireEvent)
    this.closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason }) => resolve({ code, reason })
    })
  }

  /** Connects; fails when the server refuses. */
  static async connect(
    url: string,
    options: { protocols?: string[]; tls?: object; headers?: object } = {},
  ): Promise<TestClient> {
    const socket = new WebSocket(url, options as unknown as string[])
    const client = new TestClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve()
      socket.onerror = () => reject(new Error(`cannot connect to ${url}`))
    })
    return client
  }

  /** The sub-protocol the server chose. */
  get protocol(): string {
    return this.#socket.protocol
  }

  /** Sends an object as JSON, or a text or bytes as they are. */
  send(message: object | string | Uint8Array): void {
    const isRaw = typeof message === "string" || message instanceof Uint8Array
    this.#socket.send(isRaw ? message : JSON.stringify(message))
  }

  /** The next event, or the next one of that name; events before it are skipped. */
  async next(name?: string): Promise<WireEvent> {
    return this.nextWhere((event) => name === undefined || event.event === name, name ?? "any event")
  }

  /** The next event for which `matches` holds; events before it are skipped. */
  async nextWhere(matches: (event: WireEvent) => boolean, what = "an event"): Promise<WireEvent> {
    for (let event = this.#inbox.shift(); event !== undefined; event = this.#inbox.shift()) {
      if (matches(event)) return event
    }
    return await new Promise((resolve, reject) => {
      const seen = this.all.length
      const timer = setTimeout(() => {
        reject(new Error(`waited for ${what}, but got ${JSON.stringify(this.all.slice(seen))}`))
      }, WAIT_MS)
      this.#waiting.push({
        matches,
        resolve: (event) => {
          clearTimeout(timer)
          resolve(event)
        },
      })
    })
  }

  /** Joins and waits for the answer. */
  async join(roomId: string, status?: object): Promise<WireEvent> {
    this.send({ event: "join_room", room_id: roomId, ...(status === undefined ? {} : { status }) })
    const answer = await this.nextWhere(({ event }) => event === "joined_room" || event === "error", "joined_room")
    if (answer.event === "joined_room") this.ownId = answer["own_id"] as string
    return answer
  }

  /** Everything that came and was not waited for yet, up to the answer to a ping sent now: proves silence. */
  async drain(): Promise<WireEvent[]> {
    const ref = crypto.randomUUID()
    const events: WireEvent[] = []
    this.send({ event: "ping", ref })
    for (;;) {
      const event = await this.next()
      if (event.event === "pong" && event["ref"] === ref) return events
      events.push(event)
    }
  }

  /** Closes the connection and waits for its end. */
  async close(): Promise<void> {
    this.#socket.close()
    await this.closed
  }

  /** Drops the connection without a close frame. */
  terminate(): void {
    this.#socket.terminate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate()
  }

  #onEvent(event: WireEvent): void {
    this.all.push(event)
    this.onEvent?.(event)
    const [waiting] = this.#waiting
    if (waiting === undefined) this.#inbox.push(event)
    else if (waiting.matches(event)) {
      this.#waiting.shift()
      waiting.resolve(event)
    }
  }
}
