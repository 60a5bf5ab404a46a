// Requests that wait for their answer: gives each a `ref`, matches the answer by it, and ends those that wait too long.
import type { Answer } from "./wire.ts"

/** A refusal of the server (`id` as in docs/protocol.md), or one of our own: see docs/client.md. */
export class SignalingError extends Error {
  readonly id: string

  constructor(id: string, message: string) {
    super(message)
    this.name = "SignalingError"
    this.id = id
  }
}

// 64 requests: a page has one or two under way; more is a loop that lost its brake.
const MAX_WAITING = 64

interface Waiting {
  resolve(answer: Answer): void
  reject(error: SignalingError): void
  timer: ReturnType<typeof setTimeout>
}

export class Requests {
  readonly #send: (message: object) => boolean
  readonly #timeoutMs: number
  readonly #waiting = new Map<string, Waiting>()
  #lastRef = 0

  constructor(send: (message: object) => boolean, timeoutMs: number) {
    this.#send = send
    this.#timeoutMs = timeoutMs
  }

  makeRef(): string {
    return String(++this.#lastRef)
  }

  send(message: { event: string; ref: string; [field: string]: unknown }): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.size >= MAX_WAITING) return reject(new SignalingError("too_many", "too many requests wait"))
      const { ref } = message
      if (!this.#send(message)) {
        return reject(new SignalingError("connection_lost", "there is no connection"))
      }
      const timer = setTimeout(
        () => this.refuse(ref, new SignalingError("timeout", "the server did not answer")),
        this.#timeoutMs,
      )
      this.#waiting.set(ref, { resolve, reject, timer })
    })
  }

  /** False when nobody waits for this answer any more. */
  answer(answer: Answer): boolean {
    const waiting = this.#take(answer.ref)
    waiting?.resolve(answer)
    return waiting !== undefined
  }

  refuse(ref: string | undefined, error: SignalingError): boolean {
    const waiting = this.#take(ref)
    waiting?.reject(error)
    return waiting !== undefined
  }

  rejectAll(error: SignalingError): void {
    for (const ref of [...this.#waiting.keys()]) this.refuse(ref, error)
  }

  #take(ref: string | undefined): Waiting | undefined {
    if (ref === undefined) return undefined
    const waiting = this.#waiting.get(ref)
    this.#waiting.delete(ref)
    clearTimeout(waiting?.timer)
    return waiting
  }
}
