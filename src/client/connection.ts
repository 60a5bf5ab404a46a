// One WebSocket that keeps coming back. Owns opening with a time-out, the times of pings and the waits between attempts;
// knows nothing of rooms, requests and what a frame says, which signaling-client.ts builds on top.
import { comesBack, type RetryTiming, retryDelay } from "./backoff.ts"

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
  /** How often the server is asked whether it lives. */
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
  // 20 s: below the 25 s in which some mobile carriers forget an idle connection, and what the protocol asks of clients
  // that resume.
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
const NORMAL = 1000

// 4: each was given up 30 s after the one before, so the oldest has been silent for two minutes.
const MAX_LAPSED = 4

/** Told by the connection, in this order for each socket: `onState(open)`, frames and pings, `onState`. */
export interface ConnectionListener {
  onState(state: ConnectionState): void
  onFrame(text: string): void
  /** Time to ask the server whether it lives: any frame that makes it answer will do. */
  onPingDue(): void
}

/** The address, or a function that gives a fresh one for each attempt (for access tokens that expire). */
export type Address = string | (() => string | Promise<string>)

export class Connection {
  readonly #address: Address
  readonly #timing: Timing
  readonly #listener: ConnectionListener
  #state: ConnectionState = { name: "closed", code: 1000, reason: "not opened yet" }
  #socket: WebSocket | undefined
  /** Open, but given up as dead. */
  readonly #lapsed: WebSocket[] = []
  #isPongDue = false
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
  send(text: string): boolean {
    if (this.#state.name !== "open" || this.#socket === undefined) return false
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) return false
    this.#socket.send(text)
    return true
  }

  /** Call it when the network or the tab came back: retries at once instead of waiting, or asks whether we still live. */
  wake(): void {
    if (this.#state.name === "waiting") this.open()
    else if (this.#state.name === "open") this.#ping()
  }

  /** Gives this socket up and opens another after the wait that goes with this close code. */
  restart(code = UNANSWERED): void {
    if (this.#state.name === "open" || this.#state.name === "connecting") this.#retry(code)
  }

  /** Closes, as the page goes; `wake` opens again. */
  pause(): void {
    if (this.#state.name === "closed") return
    this.#end()
    this.#become({ name: "waiting", retryInMs: Number.POSITIVE_INFINITY, code: NORMAL })
  }

  /** Closes for good; `code` is what `closed` is told with. */
  close(reason = "closed by the page", code = NORMAL): void {
    if (this.#state.name === "closed") return
    this.#end()
    this.#become({ name: "closed", code, reason })
  }

  /** Call it when no membership hangs on an older socket any more. */
  closeLapsed(): void {
    for (const socket of this.#lapsed.splice(0)) socket.close(NORMAL)
  }

  #dialFixed(url: string): void {
    try {
      this.#dial(url)
    } catch (error) {
      this.#end()
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
      if (this.#isPongDue) this.#after(this.#timing.pingEveryMs, () => this.#ping())
      if (typeof data === "string") this.#listener.onFrame(data)
    }
    socket.onclose = ({ code, reason }) => {
      if (comesBack(code)) return this.#retry(code)
      this.#end()
      this.#become({ name: "closed", code, reason })
    }
  }

  #ping(): void {
    if (this.#isPongDue) return
    this.#after(this.#timing.pongWithinMs, () => this.#retry(UNANSWERED))
    this.#isPongDue = true
    this.#listener.onPingDue()
  }

  #retry(code: number): void {
    const socket = this.#forgetSocket()
    // A close frame says that we leave, and it may still arrive. So this socket stays open, unheard, until another one
    // has taken its place.
    if (socket?.readyState === WebSocket.OPEN) this.#lapsed.push(socket)
    else socket?.close(NORMAL)
    if (this.#lapsed.length > MAX_LAPSED) this.#lapsed.shift()?.close(NORMAL)
    const retryInMs = retryDelay(this.#attempt++, this.#timing.retry, code)
    this.#after(retryInMs, () => this.open())
    this.#become({ name: "waiting", retryInMs, code })
  }

  #end(): void {
    this.#forgetSocket()?.close(NORMAL)
    this.closeLapsed()
  }

  /** A dead network delays the close event by minutes, so the socket's last words are not waited for. */
  #forgetSocket(): WebSocket | undefined {
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined) socket.onopen = socket.onmessage = socket.onclose = null
    return socket
  }

  #after(ms: number, act: () => void): void {
    this.#isPongDue = false
    clearTimeout(this.#timer)
    this.#timer = setTimeout(act, ms)
  }

  #become(state: ConnectionState): void {
    this.#state = state
    this.#listener.onState(state)
  }
}
