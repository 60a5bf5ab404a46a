// An HTTP server that receives webhooks for tests: keeps every request and answers as told.

/** One request as it came. */
export interface ReceivedRequest {
  readonly headers: Headers
  readonly body: string
}

/** See the head of this file. */
export class Receiver implements Disposable {
  readonly all: ReceivedRequest[] = []
  /** Statuses of the next answers; 200 when there is none left. */
  readonly answers: number[] = []
  readonly #server: ReturnType<typeof Bun.serve>
  #waiting: (() => void)[] = []

  constructor() {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        this.all.push({ headers: request.headers, body: await request.text() })
        const waiting = this.#waiting
        this.#waiting = []
        for (const wake of waiting) wake()
        return new Response(null, { status: this.answers.shift() ?? 200 })
      },
    })
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}/hook`
  }

  /** Waits until `isEnough` of all requests. */
  async until(isEnough: (all: readonly ReceivedRequest[]) => boolean): Promise<void> {
    while (!isEnough(this.all)) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  [Symbol.dispose](): void {
    this.#server.stop(true)
  }
}
