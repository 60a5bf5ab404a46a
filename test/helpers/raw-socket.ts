// A WebSocket client that speaks RFC 6455 byte by byte, so tests can break every rule of it: malformed frames, frames in
// pieces, a reader that stops reading, an end without a close frame.

import { createConnection, type Socket } from "node:net"

/** 10 s: far above any answer of a healthy server on a loaded machine; reached only when a test fails. */
const WAIT_MS = 10_000

/** The key of the example in RFC 6455 section 1.3: the server's answer does not depend on it being random. */
const HANDSHAKE_KEY = "dGhlIHNhbXBsZSBub25jZQ=="

/** RFC 6455 section 11.8. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** What the server sent: one whole frame (it never fragments). */
export interface Frame {
  readonly opcode: number
  readonly payload: Buffer
}

/** One client frame as bytes; by default whole and masked, as the RFC asks of a client. */
export function frame(
  opcode: number,
  payload: string | Uint8Array = "",
  { isFinal = true, isMasked = true, reserved = 0 }: { isFinal?: boolean; isMasked?: boolean; reserved?: number } = {},
): Buffer {
  const body = Buffer.from(payload as string)
  const mask = Buffer.from([0x12, 0x34, 0x56, 0x78])
  if (isMasked)
    for (let index = 0; index < body.length; index++) body[index] = (body[index] ?? 0) ^ (mask[index % 4] ?? 0)
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode
  const maskBit = isMasked ? 0x80 : 0
  const head = body.length < 126 ? Buffer.alloc(2) : body.length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  head[0] = first
  head[1] = maskBit | (head.length === 2 ? body.length : head.length === 4 ? 126 : 127)
  if (head.length === 4) head.writeUInt16BE(body.length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(body.length), 2)
  return Buffer.concat([head, isMasked ? mask : Buffer.alloc(0), body])
}

/** A text frame with `message` as JSON, or as it is when it is a text. */
export function textFrame(message: string | object): Buffer {
  return frame(OPCODE.text, typeof message === "string" ? message : JSON.stringify(message))
}

/** The request that opens a WebSocket. */
export function handshake(headers: Readonly<Record<string, string>> = {}, path = "/"): string {
  const all = {
    Host: "localhost",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": HANDSHAKE_KEY,
    "Sec-WebSocket-Version": "13",
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`
}

/** A connection that is only bytes. */
export class RawSocket implements Disposable {
  /** The head of the HTTP answer, once it came. */
  head = ""
  /** How the server ended it: the code of its close frame, or 1006 when the bytes just ended (RFC 6455 section 7.1.5). */
  readonly closed: Promise<number>
  readonly #socket: Socket
  readonly #frames: Frame[] = []
  #bytes: Buffer = Buffer.alloc(0)
  #isUpgraded = false
  #closeCode = 1006
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on("data", (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes])
      this.#read()
      this.#wake()
    })
    // A reset is an end like any other: what matters is that it came.
    socket.on("error", () => {})
    this.closed = new Promise((resolve) => {
      const onEnd = (): void => {
        resolve(this.#closeCode)
        this.#wake()
      }
      socket.on("end", onEnd)
      socket.on("close", onEnd)
    })
  }

  /** Connects and sends `first`: whatever it likes. */
  static async connect(port: number, first: string | Uint8Array = ""): Promise<RawSocket> {
    const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true })
    const raw = new RawSocket(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve)
      socket.once("error", reject)
    })
    raw.write(first)
    return raw
  }

  /** Connects and waits until the WebSocket is open. */
  static async open(port: number, headers: Readonly<Record<string, string>> = {}, path = "/"): Promise<RawSocket> {
    const raw = await RawSocket.connect(port, handshake(headers, path))
    await raw.waitUntil(() => raw.#isUpgraded, "the handshake's answer")
    return raw
  }

  /** Bytes that came behind the last whole frame; for plain HTTP, the body so far. */
  get rest(): string {
    return this.#bytes.toString()
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** The next frame. */
  async nextFrame(): Promise<Frame> {
    await this.waitUntil(() => this.#frames.length > 0, "a frame")
    return this.#frames.shift() as Frame
  }

  /** All frames that came and were not taken yet. */
  takeFrames(): Frame[] {
    return this.#frames.splice(0)
  }

  /** The next text frame, as JSON. */
  async nextEvent(): Promise<Record<string, unknown>> {
    for (;;) {
      const { opcode, payload } = await this.nextFrame()
      if (opcode === OPCODE.text) return JSON.parse(payload.toString()) as Record<string, unknown>
    }
  }

  /** Stops to read: the server's bytes pile up, here in the kernel and then there. */
  stopReading(): void {
    this.#socket.pause()
  }

  /** Reads on. */
  goOnReading(): void {
    this.#socket.resume()
  }

  /** Sends FIN and goes on reading: half of the connection stays open. */
  halfClose(): void {
    this.#socket.end()
  }

  /** Ends it with a reset (RST), as a crashed client's kernel does. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Waits until `holds`; looks each time bytes came. */
  async waitUntil(holds: () => boolean, what: string): Promise<void> {
    if (holds()) return
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited for ${what}`)), WAIT_MS)
      this.#wake = () => {
        if (!holds()) {
          if (!this.#socket.readable) reject(new Error(`the connection ended before ${what}`))
          return
        }
        clearTimeout(timer)
        resolve()
      }
    })
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #read(): void {
    if (this.head === "") {
      const end = this.#bytes.indexOf("\r\n\r\n")
      if (end < 0) return
      this.head = this.#bytes.subarray(0, end).toString()
      this.#bytes = this.#bytes.subarray(end + 4)
      this.#isUpgraded = this.head.startsWith("HTTP/1.1 101 ")
    }
    while (this.#isUpgraded && this.#readFrame());
  }

  #readFrame(): boolean {
    const [first = 0, second = 0] = this.#bytes
    const lengthBytes = second < 126 ? 0 : second === 126 ? 2 : 8
    if (this.#bytes.length < 2 + lengthBytes) return false
    const length =
      lengthBytes === 0
        ? second
        : lengthBytes === 2
          ? this.#bytes.readUInt16BE(2)
          : Number(this.#bytes.readBigUInt64BE(2))
    const end = 2 + lengthBytes + length
    if (this.#bytes.length < end) return false
    const payload = this.#bytes.subarray(2 + lengthBytes, end)
    this.#bytes = this.#bytes.subarray(end)
    const opcode = first & 0x0f
    if (opcode === OPCODE.close) this.#closeCode = payload.length < 2 ? 1005 : payload.readUInt16BE(0)
    else this.#frames.push({ opcode, payload })
    return true
  }
}
