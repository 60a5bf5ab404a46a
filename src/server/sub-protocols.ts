// Which sub-protocol a handshake is answered (RFC 6455 section 1.9).

import type { Dialect } from "../dialects/contract.ts"

/** The first sub-protocol offered that a dialect knows. An empty one is not answered; without it Bun echoes any. */
export function subProtocolHeaders(dialects: readonly Dialect[]): (request: Request) => Record<string, string> {
  const known = new Set(dialects.map(({ subProtocol }) => subProtocol))
  return (request) => {
    const offered = request.headers.get("sec-websocket-protocol")?.split(",") ?? []
    const name = offered.map((name) => name.trim()).find((name) => known.has(name))
    return { "sec-websocket-protocol": name ?? "" }
  }
}
