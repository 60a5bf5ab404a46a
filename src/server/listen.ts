// Why an address cannot be listened on, told so that an operator knows what to change.

import { isIP } from "node:net"
import { withoutBrackets } from "../access/hosts.ts"

/** An address that cannot be listened on; the message names it, and the option. */
export class CannotListen extends Error {
  override name = "CannotListen"
}

/** Whether a port is one process's; or shared with the next one, if none has it now; or with one that is to stop. */
export type Sharing = "own" | "shared" | "taken over"

/**
 * Calls `serve`, which listens on `host` and `port` as `option` says.
 * @throws CannotListen when that fails
 */
export function listen<T>(option: string, host: string, port: number, sharing: Sharing, serve: () => T): T {
  try {
    // Two that share a port do not disturb each other: only one that does not finds out that somebody is there.
    if (sharing === "shared")
      Bun.serve({ hostname: withoutBrackets(host), port, fetch: () => new Response() }).stop(true)
    return serve()
  } catch (cause) {
    const { code = "", message } = cause as { code?: string; message: string }
    if (code.startsWith("ERR_OSSL_")) {
      throw new CannotListen(`--tls-cert, --tls-key: no certificate (PEM) and its key: ${code}`, { cause })
    }
    const address = host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`
    const isUnknown = isName(host) && code !== "EADDRNOTAVAIL" && !isUsable(host)
    const reason = isUnknown ? "the name is unknown" : (REASONS[code] ?? message)
    throw new CannotListen(`${option}: cannot listen on ${address}: ${reason}`, { cause })
  }
}

function isName(host: string): boolean {
  return isIP(withoutBrackets(host)) === 0
}

/** Whether any port of this host can be listened on: for a name that Bun cannot resolve its code is that of an earlier error. */
function isUsable(host: string): boolean {
  try {
    Bun.serve({ hostname: withoutBrackets(host), port: 0, fetch: () => new Response() }).stop(true)
    return true
  } catch {
    return false
  }
}

/** By error code. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is taken by another program (ss -ltnp shows which)",
  EACCES: "ports below 1024 need a privilege",
  EADDRNOTAVAIL: "the address is not one of this machine's",
  ERR_OUT_OF_RANGE: "ports end at 65535",
}
