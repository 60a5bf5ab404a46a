// What Linux knows of this process's TCP sockets, each by its file: Bun shows neither the file of a connection nor what
// came over it. Looking at one takes half a microsecond.

import { ptr } from "bun:ffi"
import { type Libc, openLibc } from "../libc.ts"

/** 4,000 sockets looked at in one go: some 2 ms. */
const SLICE_FILES = 4_000

/** From <netinet/tcp.h> of Linux: the option, two states, and where in struct tcp_info numbers are. */
const IPPROTO_TCP = 6
const TCP_INFO = 11
const ESTABLISHED = 1
const CLOSE_WAIT = 8
const INFO_BYTES = 160
const LAST_DATA_RECV_AT = 52
const BYTES_RECEIVED_AT = 128
const DATA_SEGS_OUT_AT = 156

/** From <sys/socket.h> and <netinet/in.h>: struct sockaddr_in and sockaddr_in6. */
const SHUT_RDWR = 2
const AF_INET6 = 10
const NAME_BYTES = 28
const PORT_AT = 2
const IPV4_AT = [4, 8] as const
const IPV6_AT = [8, 24] as const

/** The first file that is no standard stream. */
const FIRST_FILE = 3

/** 10,000 files in a row that are none: a new one gets the lowest number, so there is hardly one behind them. */
const MOST_GAP = 10_000

/** See endsOf. */
export interface Ends {
  readonly ownPort: number
  readonly port: number
  readonly address: readonly number[]
}

/** One socket at a time: what is read of it holds while `each` calls for it. */
export class TcpSockets {
  readonly #libc: Libc
  readonly #info = new DataView(new ArrayBuffer(INFO_BYTES))
  readonly #bytes = new Uint8Array(NAME_BYTES)
  readonly #name = new DataView(this.#bytes.buffer)
  readonly #length = new Uint32Array(1)
  readonly #infoAt = ptr(this.#info)
  readonly #nameAt = ptr(this.#bytes)
  readonly #lengthAt = ptr(this.#length)

  private constructor(libc: Libc) {
    this.#libc = libc
  }

  /** Undefined where the system is another one. */
  static open(): TcpSockets | undefined {
    const libc = openLibc()
    return libc === undefined ? undefined : new TcpSockets(libc)
  }

  /** Milliseconds since the last byte came. */
  get silentMs(): number {
    return this.#info.getUint32(LAST_DATA_RECV_AT, true)
  }

  /** Whether anything was ever sent. */
  get isServed(): boolean {
    return this.#info.getUint32(DATA_SEGS_OUT_AT, true) > 0
  }

  /** All bytes that ever came. */
  get receivedBytes(): number {
    return Number(this.#info.getBigUint64(BYTES_RECEIVED_AT, true))
  }

  /** The ends of a connection: our port, and the other's with the bytes of its address; undefined when it is over. */
  endsOf(file: number): Ends | undefined {
    const ownPort = this.#nameOf(file, this.#libc.getsockname) ? this.#name.getUint16(PORT_AT) : 0
    if (!this.#nameOf(file, this.#libc.getpeername)) return undefined
    const [from, to] = this.#name.getUint16(0, true) === AF_INET6 ? IPV6_AT : IPV4_AT
    return { ownPort, port: this.#name.getUint16(PORT_AT), address: [...this.#bytes.subarray(from, to)] }
  }

  /** Ends a connection in both directions; whose it is hears of it as of any other end. */
  end(file: number): void {
    this.#libc.shutdown(file, SHUT_RDWR)
  }

  /** Calls `call` for each file below `last` that is a connected socket, some in a turn of the event loop; then resolves. */
  async each(last: number, call: (file: number) => void): Promise<void> {
    let latest = FIRST_FILE
    for (let file = FIRST_FILE; file < last && file - latest < MOST_GAP; file++) {
      if (file % SLICE_FILES === 0) await new Promise(setImmediate)
      if (!this.#look(file)) continue
      latest = file
      call(file)
    }
  }

  #nameOf(file: number, ask: Libc["getpeername"]): boolean {
    this.#length[0] = NAME_BYTES
    return ask(file, this.#nameAt, this.#lengthAt) === 0
  }

  #look(file: number): boolean {
    this.#length[0] = INFO_BYTES
    if (this.#libc.getsockopt(file, IPPROTO_TCP, TCP_INFO, this.#infoAt, this.#lengthAt) !== 0) return false
    const state = this.#info.getUint8(0)
    return (this.#length[0] ?? 0) >= INFO_BYTES && (state === ESTABLISHED || state === CLOSE_WAIT)
  }
}
