// A client that speaks nothing of its own: it keeps every text it got, as it came and in order, and waits for more.

/** 30 s: far above any answer of a healthy server on a loaded machine; reached only when a test fails. */
const WAIT_MS = 30_000

/** See the head of this file. */
export class TextClient implements AsyncDisposable {
  /** Every frame that came. */
  readonly all: string[] = []
  /** Resolves with the close code and reason. */
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #socket: WebSocket
  #taken = 0
  #wake: () => void = () => {}

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.onmessage = ({ data }) => {
      this.all.push(data as string)
      this.#wake()
    }
    this.closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason }) => resolve({ code, reason })
    })
  }

  /** Connects; fails when the server refuses. */
  static async connect(url: string): Promise<TextClient> {
    const socket = new WebSocket(url)
    const client = new TextClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve()
      socket.onerror = () => reject(new Error(`cannot connect to ${url}`))
    })
    return client
  }

  /** Sends an object as JSON, or a text as it is. */
  send(message: object | string | Uint8Array): void {
    const isRaw = typeof message === "string" || message instanceof Uint8Array
    this.#socket.send(isRaw ? message : JSON.stringify(message))
  }

  /** The next text. */
  async next(): Promise<string> {
    await this.#until(() => this.all.length > this.#taken, "another text")
    return this.all[this.#taken++] as string
  }

  /** The next text, which must be JSON. */
  async nextJson(): Promise<unknown> {
    return JSON.parse(await this.next())
  }

  /** The next texts up to and with one that fits; those before it are kept in what is returned. */
  async upTo(fits: (text: string) => boolean, what = String(fits)): Promise<string[]> {
    const from = this.#taken
    const find = () => this.all.findIndex((text, index) => index >= from && fits(text))
    await this.#until(() => find() >= 0, what)
    this.#taken = find() + 1
    return this.all.slice(from, this.#taken)
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

  async #until(isTrue: () => boolean, what: string): Promise<void> {
    const from = this.#taken
    const giveUpAt = performance.now() + WAIT_MS
    while (!isTrue()) {
      const left = giveUpAt - performance.now()
      if (left <= 0) throw new Error(`waited for ${what}, but got ${JSON.stringify(this.all.slice(from))}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
