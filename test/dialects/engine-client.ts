// A client of Socket.IO 1 over Engine.IO 3, written from the protocol alone: by WebSocket, by polling in bytes or in text,
// or by polling first and then a WebSocket. Every packet it got it keeps, in order.

import { expect } from "bun:test"

/** 30 s: far above any answer of a healthy server on a loaded machine; reached only when a test fails. */
const WAIT_MS = 30_000

/** 2 s: below half of the shortest silence a node may be told to bear. */
const PING_MS = 2_000

/** How it connects. */
export type Way = "websocket" | "polling" | "text polling" | "upgrade"

/** The address of a request. */
export function engineUrl(httpUrl: string, transport: string, more: Readonly<Record<string, string>> = {}): string {
  return `${httpUrl}socket.io/?${new URLSearchParams({ EIO: "3", transport, ...more })}`
}

/** A text payload, UTF-8 once: fetch makes it twice. */
export function toPayload(packets: readonly string[]): string {
  return packets
    .map((packet) => {
      const characters = String.fromCharCode(...new TextEncoder().encode(packet))
      return `${characters.length}:${characters}`
    })
    .join("")
}

/** The packets of a text payload. */
export function fromText(payload: string): string[] {
  const packets: string[] = []
  for (let rest = payload; rest !== ""; ) {
    const [head = "", length = ""] = /^(\d+):/.exec(rest) ?? []
    const end = head.length + Number(length)
    const bytes = Uint8Array.from(rest.slice(head.length, end), (character) => character.charCodeAt(0))
    packets.push(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
    rest = rest.slice(end)
  }
  return packets
}

/** The packets of a binary payload. */
export function fromBytes(payload: Uint8Array): string[] {
  const packets: string[] = []
  for (let at = 0; at < payload.length; ) {
    expect(payload[at]).toBe(0)
    const lengthEnd = payload.indexOf(0xff, at)
    const start = lengthEnd + 1
    const end = start + Number(payload.subarray(at + 1, lengthEnd).join(""))
    packets.push(new TextDecoder("utf-8", { fatal: true }).decode(payload.subarray(start, end)))
    at = end
  }
  return packets
}

/** See the head of this file. */
export class EngineClient implements AsyncDisposable {
  readonly httpUrl: string
  /** Its own id: the session's. */
  id = ""
  /** Every Socket.IO packet that came. */
  readonly all: string[] = []
  /** Resolves when the server ends it. */
  readonly closed: Promise<void>
  #onClosed: () => void = () => {}
  readonly #isText: boolean
  #taken = 0
  #acks = 0
  #wake: () => void = () => {}
  #socket: WebSocket | undefined
  readonly #leave = new AbortController()
  #posts: Promise<unknown> = Promise.resolve()
  #polls: Promise<void> = Promise.resolve()

  private constructor(httpUrl: string, way: Way) {
    this.httpUrl = httpUrl
    this.#isText = way === "text polling"
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve
    })
  }

  /** Connects, and waits until it was told all that a newcomer is told. */
  static async connect(httpUrl: string, way: Way = "websocket"): Promise<EngineClient> {
    const client = new EngineClient(httpUrl, way)
    if (way === "websocket") await client.#open()
    else await client.#begin()
    if (way === "upgrade") await client.upgrade()
    else if (way !== "websocket") client.#poll()
    client.#taken = 0
    await client.next(/^42\["turnservers",/)
    client.#taken = client.all.length
    return client
  }

  /** Only the handshake by polling: a session that is not polled yet. */
  static async begin(httpUrl: string): Promise<EngineClient> {
    const client = new EngineClient(httpUrl, "polling")
    await client.#begin()
    return client
  }

  /** Goes on over a WebSocket. */
  async upgrade(): Promise<void> {
    await this.#open()
    this.#socket?.send("2probe")
    await this.next("3probe")
    await this.#polls
    this.#socket?.send("5")
  }

  /** Sends Engine.IO packets as they are. */
  send(...packets: string[]): void {
    if (this.#socket !== undefined) for (const packet of packets) this.#socket.send(packet)
    else this.#posts = this.#posts.then(() => this.post(toPayload(packets)))
  }

  /** Sends an event. */
  emit(name: string, ...values: unknown[]): void {
    this.send(`42${JSON.stringify([name, ...values])}`)
  }

  /** Sends an event and waits for its acknowledgement. */
  async ask(name: string, ...values: unknown[]): Promise<unknown[]> {
    const ack = this.#acks++
    this.send(`42${ack}${JSON.stringify([name, ...values])}`)
    const packet = await this.next(new RegExp(`^43${ack}\\[`))
    return JSON.parse(packet.slice(`43${ack}`.length)) as unknown[]
  }

  /** The next packet that fits; those before it are passed over. */
  async next(expected: string | RegExp): Promise<string> {
    const deadline = Date.now() + WAIT_MS
    for (;;) {
      const at = this.all.findIndex(
        (packet, index) =>
          index >= this.#taken && (typeof expected === "string" ? packet === expected : expected.test(packet)),
      )
      if (at >= 0) {
        this.#taken = at + 1
        return this.all[at] as string
      }
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`waited for ${expected}, has ${JSON.stringify(this.all)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** Everything up to the answer to a ping sent now, but for what was waited for: proves silence. */
  async drain(): Promise<string[]> {
    const from = this.#taken
    const nonce = crypto.randomUUID()
    this.send(`2${nonce}`)
    await this.next(`3${nonce}`)
    return this.all.slice(from, this.#taken - 1)
  }

  /** POSTs a body as it is. */
  post(body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
    return fetch(this.pollUrl, { method: "POST", body })
  }

  /** Where it polls. */
  get pollUrl(): string {
    return engineUrl(this.httpUrl, "polling", { sid: this.id, ...(this.#isText ? { b64: "1" } : {}) })
  }

  /** Says goodbye, as the client library does, and waits for the end. */
  async close(): Promise<void> {
    this.send("41", "1")
    await this.#posts
    await this.closed
  }

  /** Is gone without a word; by polling, while a GET waits at the server, which has it before the answer to a POST. */
  async cutOff(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#socket === undefined) await this.post(toPayload(["6"])).catch(() => {})
    this.terminate()
  }

  /** Is gone without a word, whatever it was about to do. */
  terminate(): void {
    this.#leave.abort()
    this.#socket?.terminate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate()
  }

  async #begin(): Promise<void> {
    const url = engineUrl(this.httpUrl, "polling", this.#isText ? { b64: "1" } : {})
    const [open = ""] = await this.#read(await fetch(url))
    this.id = (JSON.parse(open.slice(1)) as { sid: string }).sid
  }

  #open(): Promise<void> {
    const url = engineUrl(this.httpUrl, "websocket", this.id === "" ? {} : { sid: this.id }).replace("http", "ws")
    const socket = new WebSocket(url)
    socket.onmessage = ({ data }) => this.#hear([data as string])
    socket.onclose = () => this.#onClosed()
    return new Promise((resolve, reject) => {
      socket.onerror = () => reject(new Error(`cannot connect to ${url}`))
      socket.onopen = () => {
        this.#socket = socket
        if (this.id === "") return
        // The library polls until its probe is answered.
        this.#poll()
        resolve()
      }
      if (this.id === "") this.next(/^0/).then(() => resolve(), reject)
    })
  }

  /** Polls until the session ends, or the probe was answered; sends pings meanwhile, as the library does. */
  #poll(): void {
    const pings = setInterval(() => this.send("2"), PING_MS)
    this.#polls = (async () => {
      while (!this.all.includes("3probe")) {
        const response = await fetch(this.pollUrl, { signal: this.#leave.signal })
        if (!response.ok) break
        const packets = await this.#read(response)
        this.#hear(packets)
        if (packets.includes("1")) break
      }
      if (!this.all.includes("3probe")) this.#onClosed()
    })()
      .catch(() => this.#onClosed())
      .finally(() => clearInterval(pings))
  }

  async #read(response: Response): Promise<string[]> {
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      this.#isText ? "text/plain; charset=UTF-8" : "application/octet-stream",
    ])
    return this.#isText ? fromText(await response.text()) : fromBytes(new Uint8Array(await response.arrayBuffer()))
  }

  #hear(packets: readonly string[]): void {
    for (const packet of packets) {
      if (packet.startsWith("0")) this.id = (JSON.parse(packet.slice(1)) as { sid: string }).sid
      if (packet !== "6" && packet !== "3") this.all.push(packet)
    }
    this.#wake()
  }
}
