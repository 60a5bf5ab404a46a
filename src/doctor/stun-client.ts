// Asks a STUN server for an address, and a TURN server for a relay, over UDP, TCP or TLS (RFC 8489, RFC 8656). One
// question at a time; each ends with an answer or, after DEADLINE_MS, with NoAnswer.

import { createSocket } from "node:dgram"
import { connect } from "node:net"
import { connect as connectSecurely } from "node:tls"
import { withDeadline } from "./finding.ts"
import { serverName } from "./handshake.ts"
import {
  ATTRIBUTE,
  type Attribute,
  addressIn,
  decode,
  encode,
  errorIn,
  HEADER_BYTES,
  keyOf,
  type Message,
  TYPE,
} from "./stun-message.ts"

/** Milliseconds until a request over UDP is sent again, then twice as many each time (RFC 8489 section 6.2.1). */
const FIRST_RETRY_MS = 500

/** UDP, as REQUESTED-TRANSPORT names what a relay speaks to the peers (the protocol number, RFC 8656 section 18.7). */
const RELAY_OVER_UDP = 17

/** Errors that tell how to ask properly (RFC 8489 section 9.2): log in, or with a fresher nonce. */
const UNAUTHENTICATED = 401
const STALE_NONCE = 438

/** Where a STUN or TURN server is, from its URL (RFC 7064, RFC 7065). */
export interface IceServer {
  readonly scheme: "stun" | "stuns" | "turn" | "turns"
  readonly host: string
  readonly port: number
  readonly transport: "udp" | "tcp" | "tls"
}

/** Takes apart what the option --ice-server accepts. */
export function toIceServer(url: string): IceServer {
  const [, scheme = "stun", bracketed, plain = "", port, wanted] =
    /^(stuns?|turns?):(?:\[([^\]]+)\]|([^:?[\]]+))(?::(\d+))?(?:\?transport=(udp|tcp))?$/.exec(url) ?? []
  const isSecure = scheme.endsWith("s")
  return {
    scheme: scheme as IceServer["scheme"],
    host: bracketed ?? plain,
    port: Number(port ?? (isSecure ? 5349 : 3478)),
    transport: isSecure ? "tls" : wanted === "tcp" ? "tcp" : "udp",
  }
}

/** The server said no. */
export class Refused extends Error {
  override name = "Refused"
  readonly code: number

  constructor(code: number, reason: string) {
    super(`${code} ${reason}`.trim())
    this.code = code
  }
}

/**
 * Asks where the server sees this machine.
 * @returns `host:port`
 * @throws NoAnswer, Refused, or what the system says of the connection
 */
export async function askForAddress(server: IceServer): Promise<string> {
  using link = await open(server)
  const answer = await link.ask(TYPE.bindingRequest, [])
  const address = addressIn(answer, ATTRIBUTE.mappedAddress)
  if (answer.type === TYPE.bindingSuccess && address !== undefined) return address
  throw refusalIn(answer)
}

/**
 * Asks for a relay with a long-term credential, and gives it back.
 * @returns the address at which the relay would have been reached, `host:port`
 * @throws NoAnswer, Refused, or what the system says of the connection
 */
export async function askForRelay(server: IceServer, username: string, password: string): Promise<string> {
  using link = await open(server)
  const transport: Attribute = [ATTRIBUTE.requestedTransport, Buffer.from([RELAY_OVER_UDP, 0, 0, 0])]
  // The first answer is a refusal that tells realm and nonce; a nonce may be stale once.
  let answer = await link.ask(TYPE.allocateRequest, [transport])
  let login: { attributes: Attribute[]; key: Buffer } | undefined
  for (let tries = 0; tries < 2 && answer.type !== TYPE.allocateSuccess; tries++) {
    const code = errorIn(answer)?.code
    if (code !== STALE_NONCE && (code !== UNAUTHENTICATED || login !== undefined)) break
    login = loginFor(answer, username, password)
    answer = await link.ask(TYPE.allocateRequest, [transport, ...login.attributes], login.key)
  }
  const address = addressIn(answer, ATTRIBUTE.relayedAddress)
  if (answer.type !== TYPE.allocateSuccess || address === undefined) throw refusalIn(answer)
  if (login !== undefined) {
    const lifetime: Attribute = [ATTRIBUTE.lifetime, Buffer.alloc(4)]
    await link.ask(TYPE.refreshRequest, [lifetime, ...login.attributes], login.key)
  }
  return address
}

function loginFor(refusal: Message, username: string, password: string) {
  const realm = refusal.attributes.get(ATTRIBUTE.realm) ?? Buffer.alloc(0)
  const nonce = refusal.attributes.get(ATTRIBUTE.nonce) ?? Buffer.alloc(0)
  const attributes: Attribute[] = [
    [ATTRIBUTE.username, Buffer.from(username)],
    [ATTRIBUTE.realm, realm],
    [ATTRIBUTE.nonce, nonce],
  ]
  return { attributes, key: keyOf(username, realm.toString(), password) }
}

function refusalIn(answer: Message): Error {
  const error = errorIn(answer)
  return error === undefined ? new Error("the answer makes no sense") : new Refused(error.code, error.reason)
}

/** A way to the server: one request at a time. */
interface Link extends Disposable {
  ask(type: number, attributes: readonly Attribute[], key?: Buffer): Promise<Message>
}

async function open(server: IceServer): Promise<Link> {
  let onMessage = (_message: Message): void => {}
  let onError = (_cause: Error): void => {}
  const carrier = server.transport === "udp" ? openDatagrams(server) : openStream(server)
  carrier.listen(
    (message) => onMessage(message),
    (cause) => onError(cause),
  )
  return {
    ask(type, attributes, key) {
      const { bytes, transaction } = encode(type, attributes, key)
      let timer: Timer | undefined
      const answered = new Promise<Message>((resolve, reject) => {
        onError = reject
        onMessage = (message) => message.transaction === transaction && resolve(message)
        const send = (againInMs: number): void => {
          carrier.send(bytes)
          if (carrier.isLossy) timer = setTimeout(() => send(againInMs * 2), againInMs)
        }
        send(FIRST_RETRY_MS)
      })
      return withDeadline(answered).finally(() => clearTimeout(timer))
    },
    [Symbol.dispose]: () => carrier.close(),
  }
}

/** What carries messages. */
interface Carrier {
  /** Whether a message may be lost on the way. */
  readonly isLossy: boolean
  listen(onMessage: (message: Message) => void, onError: (cause: Error) => void): void
  send(bytes: Buffer): void
  close(): void
}

function openDatagrams({ host, port }: IceServer): Carrier {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4")
  return {
    isLossy: true,
    listen(onMessage, onError) {
      socket.on("error", onError)
      socket.on("message", (bytes) => {
        const message = decode(bytes)
        if (message !== undefined) onMessage(message)
      })
    },
    send: (bytes) => socket.send(bytes, port, host, (cause) => cause && socket.emit("error", cause)),
    close: () => socket.close(),
  }
}

function openStream({ host, port, transport }: IceServer): Carrier {
  const socket = transport === "tls" ? connectSecurely({ host, port, ...serverName(host) }) : connect({ host, port })
  let received = Buffer.alloc(0)
  return {
    isLossy: false,
    listen(onMessage, onError) {
      socket.on("error", onError)
      socket.on("close", () => onError(Object.assign(new Error("closed"), { code: "ECONNRESET" })))
      socket.on("data", (bytes: Buffer) => {
        received = Buffer.concat([received, bytes])
        // Over a stream messages stand one behind the other, each with its length (RFC 8489 section 6.2.2).
        while (received.length >= HEADER_BYTES && received.length >= HEADER_BYTES + received.readUInt16BE(2)) {
          const message = decode(received)
          received = received.subarray(HEADER_BYTES + received.readUInt16BE(2))
          if (message !== undefined) onMessage(message)
        }
      })
    },
    send: (bytes) => socket.write(bytes),
    close: () => socket.destroy(),
  }
}
