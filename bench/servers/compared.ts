// Somebody else's server, given by its address (COMPARE=): how the address is read, and who takes part beside it.

import type { DialectName } from "../load/dialects.ts"
import type { Launch } from "./servers.ts"

/** A server that somebody else has started. */
export interface Compared {
  dialect: DialectName
  /** What it is called in tables. */
  name: string
  launch: Launch
}

const SPOKEN = ["palava", "peerjs", "y-webrtc"] as const satisfies readonly DialectName[]
const DEFAULT_PORTS: Readonly<Record<string, number>> = { "ws:": 80, "wss:": 443 }

/**
 * Reads `palava+ws://host:port/`, `peerjs+wss://host/peerjs?key=peerjs`, `y-webrtc+ws://host:4444/`; `pids` are the processes of
 * the server on this machine, with commas between, by which its CPU time and memory are known.
 * @throws with what is wrong
 */
export function readCompared(address: string, pids: string): Compared {
  const [, dialect = "", rest = ""] = /^([a-z-]+)\+(wss?:\/\/.+)$/.exec(address) ?? []
  const spoken = SPOKEN.find((name) => name === dialect)
  if (spoken === undefined || !URL.canParse(rest))
    throw new Error(
      `COMPARE=${address}: wanted DIALECT+ws://HOST:PORT/PATH, where DIALECT is one of ${SPOKEN.join(", ")}`,
    )
  const { protocol, hostname, port, pathname, search, host } = new URL(rest)
  const numbers = pids === "" ? [] : pids.split(",").map(Number)
  if (!numbers.every((pid) => Number.isInteger(pid) && pid > 0)) throw new Error(`COMPARE_PID=${pids}: no process ids`)
  const path = pathname === "/" && search === "" ? {} : { path: pathname + search }
  const secure = protocol === "wss:" ? { isSecure: true } : {}
  const at = {
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port) || (DEFAULT_PORTS[protocol] ?? 0),
    ...path,
  }
  return {
    dialect: spoken,
    name: `${spoken} at ${host}`,
    launch: async () => ({
      dialect: spoken,
      addresses: [{ ...at, ...secure }],
      pids: numbers,
      stop: async () => {},
    }),
  }
}
