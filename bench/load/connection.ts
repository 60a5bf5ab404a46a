// A WebSocket client that does nearly nothing: TCP, a handshake, ready-made masked frames out, frame borders in.
//
// It must cost far less than the server that it loads, or the generator would be what is measured. So: no text is
// decoded unless a sample asks for it, no event object is made, and whoever drives the connection is told once per
// chunk of bytes (`onChunkEnd`) to send its next frames in one write.

/** The driver of a connection. `bytes` is only valid during the call. */
export interface FrameHandler {
  /** One whole text frame: its payload is `bytes[start, start + length)`. */
  onFrame(connection: Connection, bytes: Buffer, start: number, length: number): void
  /** All frames of one read have been seen. */
  onChunkEnd(connection: Connection): void
  /** The connection is gone, asked for or not. */
  onClose(connection: Connection): void
}

const HANDSHAKE_HEADERS =
  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: palava.1.0\r\n\r\n"

const TEXT = 0x1
const CLOSE = 0x8
const PING = 0x9

/** A masked client frame around `text`. The mask is zero: legal, costs the server the same, and keeps the text readable. */
export function makeFrame(text: string, opcode = TEXT): Buffer {
  const payload = Buffer.from(text)
  const long = payload.length > 125
  const frame = Buffer.alloc((long ? 8 : 6) + payload.length)
  frame[0] = 0x80 | opcode
  frame[1] = 0x80 | (long ? 126 : payload.length)
  if (long) frame.writeUInt16BE(payload.length, 2)
  payload.copy(frame, long ? 8 : 6)
  return frame
}

const CLOSE_FRAME = Buffer.from([0x80 | CLOSE, 0x82, 0, 0, 0, 0, 0x03, 0xe8])
const EMPTY = Buffer.alloc(0)

/** One connection. Made by `connect`. */
export class Connection {
  handler: FrameHandler
  closed = false
  readonly #socket: Bun.Socket<unknown>
  /** Bytes of a frame whose end has not come yet. */
  #rest: Buffer = EMPTY
  /** Bytes the kernel did not take yet. */
  #unsent: Buffer = EMPTY

  constructor(socket: Bun.Socket<unknown>, handler: FrameHandler) {
    this.#socket = socket
    this.handler = handler
  }

  /** Writes ready-made frames. The bytes may be reused at once. */
  write(frames: Buffer): void {
    if (this.closed) return
    if (this.#unsent.length > 0) {
      this.#unsent = Buffer.concat([this.#unsent, frames])
      return
    }
    const written = Math.max(0, this.#socket.write(frames))
    if (written < frames.length) this.#unsent = Buffer.from(frames.subarray(written))
  }

  /** Builds and sends one text frame: for set-up, not for the measured path. */
  send(message: object): void {
    this.write(makeFrame(JSON.stringify(message)))
  }

  /** Says goodbye and closes. */
  close(): void {
    this.write(CLOSE_FRAME)
    this.#socket.end()
  }

  /** Called by the socket: the kernel takes bytes again. */
  onDrain(): void {
    const unsent = this.#unsent
    this.#unsent = EMPTY
    if (unsent.length > 0) this.write(unsent)
  }

  /** Called by the socket: finds the frames in what came. */
  onBytes(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = 0
    while (at + 2 <= bytes.length) {
      const short = bytes[at + 1] as number
      let start = at + 2
      let length = short
      if (short === 126) {
        if (at + 4 > bytes.length) break
        length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
        start = at + 4
      } else if (short === 127) {
        if (at + 10 > bytes.length) break
        length = Number(bytes.readBigUInt64BE(at + 2))
        start = at + 10
      }
      if (start + length > bytes.length) break
      const opcode = (bytes[at] as number) & 0x0f
      if (opcode === TEXT) this.handler.onFrame(this, bytes, start, length)
      else if (opcode === PING) this.write(makeFrame(bytes.toString("latin1", start, start + length), 0xa))
      at = start + length
    }
    this.#rest = at === bytes.length ? EMPTY : Buffer.from(bytes.subarray(at))
    this.handler.onChunkEnd(this)
  }
}

/** Collects decoded messages for set-up code, which awaits them one by one. */
export class Inbox implements FrameHandler {
  readonly #messages: string[] = []
  #waiting: ((message: string) => void) | null = null
  #failed: ((error: Error) => void) | null = null

  onFrame(_connection: Connection, bytes: Buffer, start: number, length: number): void {
    const message = bytes.toString("utf8", start, start + length)
    if (this.#waiting) this.#waiting(message)
    else this.#messages.push(message)
    this.#waiting = null
  }

  onChunkEnd(): void {}

  onClose(): void {
    this.#failed?.(new Error("the server closed the connection during set-up"))
  }

  /** The next message, parsed. */
  async next(): Promise<Record<string, unknown>> {
    const text =
      this.#messages.shift() ??
      (await new Promise<string>((resolve, reject) => {
        this.#waiting = resolve
        this.#failed = reject
      }))
    return JSON.parse(text)
  }

  /** Skips messages up to the one whose `field` is `value`. */
  async nextWhere(field: string, value: string): Promise<Record<string, unknown>> {
    for (;;) {
      const message = await this.next()
      if (message[field] === value) return message
      if (message["event"] === "error") throw new Error(`refused by the server: ${JSON.stringify(message)}`)
    }
  }
}

/** Where a server listens. */
export interface Address {
  hostname: string
  port: number
  /** With its query, when it is not what the dialect's servers usually have. */
  path?: string
  /** Whether TLS is spoken there; the certificate is not looked at. */
  isSecure?: boolean
}

/** Opens a WebSocket; resolves when the server has answered the handshake. */
export function connect(address: Address, path: string, handler: FrameHandler): Promise<Connection> {
  return new Promise((resolve, reject) => {
    let connection: Connection | null = null
    let head = ""
    Bun.connect({
      hostname: address.hostname,
      port: address.port,
      ...(address.isSecure ? { tls: { rejectUnauthorized: false } } : {}),
      socket: {
        open(socket) {
          socket.setNoDelay(true)
          socket.write(`GET ${path} HTTP/1.1\r\nHost: ${address.hostname}:${address.port}\r\n${HANDSHAKE_HEADERS}`)
        },
        data(socket, chunk) {
          if (connection) return connection.onBytes(chunk)
          head += chunk.toString("latin1")
          const end = head.indexOf("\r\n\r\n")
          if (end < 0) return
          if (!head.startsWith("HTTP/1.1 101")) {
            reject(new Error(`no upgrade: ${head.slice(0, 200)}`))
            socket.end()
            return
          }
          connection = new Connection(socket, handler)
          resolve(connection)
          const frames = head.slice(end + 4)
          if (frames.length > 0) connection.onBytes(Buffer.from(frames, "latin1"))
        },
        drain() {
          connection?.onDrain()
        },
        close() {
          if (!connection) return reject(new Error("closed before the handshake was answered"))
          connection.closed = true
          connection.handler.onClose(connection)
        },
        error(_socket, error) {
          reject(error)
        },
      },
    }).catch(reject)
  })
}
