// One WebSocket handshake by hand (RFC 6455 section 4), for what a browser's API keeps to itself: what stood in the answer
// when it failed, and why a certificate was refused.

import { randomBytes } from "node:crypto"
import { connect, isIP } from "node:net"
import { connect as connectSecurely } from "node:tls"
import { withoutBrackets } from "../access/hosts.ts"
import { withDeadline } from "./finding.ts"

/** Characters of an answer that are looked at: status and headers of any server are far shorter. */
const MOST_CHARACTERS = 16_384

/** Names are told in the handshake of TLS, addresses are not (RFC 6066 section 3). */
export function serverName(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {}
}

/** What answered. */
export interface Handshake {
  /** 101 is the one that browsers want. */
  readonly status: number
  /** From the beginning until the answer. */
  readonly milliseconds: number
  /** The clock there by its Date header, unix milliseconds; undefined when it has none. */
  readonly date: number | undefined
}

/**
 * Asks for a WebSocket as a browser on a page of `origin` would.
 * @param trust whether only certificates that browsers accept will do
 * @throws NoAnswer, or what the system says of the connection or the certificate
 */
export async function shakeHands(url: URL, origin: string | undefined, trust: boolean): Promise<Handshake> {
  const isSecure = url.protocol === "wss:"
  const host = withoutBrackets(url.hostname)
  const port = Number(url.port || (isSecure ? 443 : 80))
  const begin = performance.now()
  const socket = isSecure
    ? connectSecurely({ host, port, ...serverName(host), rejectUnauthorized: trust, ALPNProtocols: ["http/1.1"] })
    : connect({ host, port })
  const answered = new Promise<string>((resolve, reject) => {
    let text = ""
    socket.on("error", reject)
    socket.on("close", () => reject(Object.assign(new Error("closed without an answer"), { code: "ECONNRESET" })))
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1")
      if (text.includes("\r\n\r\n") || text.length > MOST_CHARACTERS) resolve(text)
    })
    socket.on(isSecure ? "secureConnect" : "connect", () => {
      const lines = [
        `GET ${url.pathname}${url.search} HTTP/1.1`,
        `Host: ${url.host}`,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
        ...(origin === undefined ? [] : [`Origin: ${origin}`]),
      ]
      socket.write(`${lines.join("\r\n")}\r\n\r\n`)
    })
  })
  try {
    const head = await withDeadline(answered)
    const date = Date.parse(/^date: (.+)$/im.exec(head)?.[1] ?? "")
    return {
      status: Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0),
      milliseconds: performance.now() - begin,
      date: Number.isNaN(date) ? undefined : date,
    }
  } finally {
    socket.destroy()
  }
}
