// One WebSocket that keeps coming back. Owns opening with a time-out, the liveness pings and the waits between
// attempts; knows nothing of rooms and requests, which signaling-client.ts builds on top.
import { comesBack, type RetryTiming, retryDelay } from "./backoff.ts"
import { decodeServerEvent, type ServerEvent } from "./wire.ts"

/** Where the connection stands. `waiting` means closed, and coming back in `retryInMs`. */
export type ConnectionState =
  | { name: "connecting" }
  | { name: "open" }
  | { name: "waiting"; retryInMs: number; code: number }
  | { name: "closed"; code: number; reason: string }

/** The code of `closed` when no WebSocket can be made of the address: our own, the server never sends it. */
export const INVALID_ADDRESS = 4500

/** All times in milliseconds. */
export interface Timing {
  /** An attempt to open that takes longer is given up. */
  connectMs: number
  /** How often a quiet connection is asked whether it lives. */
  pingEveryMs: number
  /** How long the answer may take; then the connection counts as dead. */
  pongWithinMs: number
  /** How long a request waits for its answer. */
  requestMs: number
  retry: RetryTiming
}

export const DEFAULT_TIMING: Timing = {
  // 10 s: a handshake over a bad mobile network takes up to 6 s; a person gives up soon after ten.
  connectMs: 10_000,
  // 20 s: below the 25 s in which some mobile carriers forget an idle connection.
  pingEveryMs: 20_000,
  // 10 s: with the 20 s above, a lost network is noticed in half a minute at most.
  pongWithinMs: 10_000,
  // 10 s: the server itself answers "unavailable" after 5 s without its store; twice that means nobody is there.
  requestMs: 10_000,
  // 0.5 s: nobody notices the first wait. 15 s: a server that is away for long is asked four times a minute.
  retry: { firstMs: 500, longestMs: 15_000 },
}

// 1 MiB: sixteen of the largest frames. More waiting means the network takes nothing, and memory would fill.
const MAX_BUFFERED_BYTES = 1_048_576

/** Our own code for a server that does not answer; the server uses the same one for us. */
const UNANSWERED = 4008
const ABNORMAL = 1006

/** Told by the connection, in this order for each socket: `onState(open)`, any number of `onMessage`, `onState`. */
export interface ConnectionListener {
  onState(state: ConnectionState): void
  onMessage(message: ServerEvent): void
}

/** The address, or a function that gives a fresh one for each attempt (for access tokens that expire). */
export type Address = string | (() => string | Promise<string>)

export class Connection {
  readonly #address: Address
  readonly #timing: Timing
  readonly #listener: ConnectionListener
  #state: ConnectionState = { name: "closed", code: 1000, reason: "not opened yet" }
  #socket: WebSocket | undefined
  #attempt = 0
  #turn = 0
  // One of these runs at a time: the deadline to open, the next ping, the deadline of a pong, the wait to retry.
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(address: Address, timing: Timing, listener: ConnectionListener) {
    this.#address = address
    this.#timing = timing
    this.#listener = listener
  }

  get state(): ConnectionState {
    return this.#state
  }

  open(): void {
    if (this.#state.name === "connecting" || this.#state.name === "open") return
    const connecting: ConnectionState = { name: "connecting" }
    this.#state = connecting
    this.#after(this.#timing.connectMs, () => this.#retry(ABNORMAL))
    if (typeof this.#address === "string") this.#dialFixed(this.#address)
    else void this.#dialFresh(this.#address)
    // Told when all is set up, because a listener may close again.
    if (this.#state === connecting) this.#listener.onState(connecting)
  }

  /** False when there is no open connection, or it takes nothing any more. */
  send(message: object): boolean {
    if (this.#state.name !== "open" || this.#socket === undefined) return false
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) return false
    this.#socket.send(JSON.stringify(message))
    return true
  }

  /** Call it when the network or the tab came back: retries at once instead of waiting, or asks whether we still live. */
  wake(): void {
    if (this.#state.name === "waiting") this.open()
    else if (this.#state.name === "open") this.#ping()
  }

  /** Gives this socket up as dead and opens another after the usual wait. */
  restart(): void {
    if (this.#state.name === "open" || this.#state.name === "connecting") this.#retry(UNANSWERED)
  }

  /** Closes for good. */
  close(reason = "closed by the page"): void {
    if (this.#state.name === "closed") return
    this.#forgetSocket()
    this.#become({ name: "closed", code: 1000, reason })
  }

  #dialFixed(url: string): void {
    try {
      this.#dial(url)
    } catch (error) {
      this.#forgetSocket()
      this.#become({ name: "closed", code: INVALID_ADDRESS, reason: `${url}: ${(error as Error).message}` })
    }
  }

  /** The address may arrive after the attempt was given up, or never: only the newest attempt may dial. */
  async #dialFresh(address: () => string | Promise<string>): Promise<void> {
    const turn = ++this.#turn
    try {
      const url = await address()
      if (turn === this.#turn && this.#state.name === "connecting") this.#dial(url)
    } catch {
      if (turn === this.#turn && this.#state.name === "connecting") this.#retry(ABNORMAL)
    }
  }

  #dial(url: string): void {
    const socket = new WebSocket(url)
    this.#socket = socket
    socket.onopen = () => {
      this.#after(this.#timing.pingEveryMs, () => this.#ping())
      this.#become({ name: "open" })
    }
    socket.onmessage = ({ data }) => {
      // Any word from the server shows that it lives, and that this attempt was a good one.
      this.#attempt = 0
      this.#after(this.#timing.pingEveryMs, () => this.#ping())
      const message = decodeServerEvent(data)
      if (message !== undefined) this.#listener.onMessage(message)
    }
    socket.onclose = ({ code, reason }) => {
      if (comesBack(code)) return this.#retry(code)
      this.#forgetSocket()
      this.#become({ name: "closed", code, reason })
    }
  }

  #ping(): void {
    this.send({ event: "ping" })
    this.#after(this.#timing.pongWithinMs, () => this.#retry(UNANSWERED))
  }

  #retry(code: number): void {
    this.#forgetSocket()
    const retryInMs = retryDelay(this.#attempt++, this.#timing.retry, code)
    this.#after(retryInMs, () => this.open())
    this.#become({ name: "waiting", retryInMs, code })
  }

  /** A dead network delays the close event by minutes, so the socket is let go of here and its last words ignored. */
  #forgetSocket(): void {
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    socket.onopen = socket.onmessage = socket.onclose = null
    if (socket.readyState <= WebSocket.OPEN) socket.close(1000)
  }

  #after(ms: number, act: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(act, ms)
  }

  #become(state: ConnectionState): void {
    this.#state = state
    this.#listener.onState(state)
  }
}
