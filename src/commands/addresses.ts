// Where a server listens, told to people: the lines on stdout at its start, and the fields of the log.

import type { Config } from "../config/options.ts"

/** The room in the printed address: whoever opens it, in two tabs or on two devices, meets there. */
const FIRST_ROOM = "hello"

/** Ports that were taken. */
export interface Listening {
  readonly port: number
  /** Undefined when switched off. */
  readonly adminAddress: { readonly host: string; readonly port: number } | undefined
}

/** For the log. */
export function addressesOf({ host, tlsCert }: Config, { port, adminAddress: admin }: Listening) {
  const name = host.includes(":") ? `[${host}]` : host
  return {
    browsers: `${tlsCert.length === 0 ? "ws" : "wss"}://${name}:${port}/`,
    admin: admin === undefined ? "off" : `http://${admin.host}:${admin.port}/`,
  }
}

/** Prints them. */
export function printAddresses(config: Config, { port, adminAddress: admin }: Listening): void {
  const host = config.host === "0.0.0.0" || config.host === "::" ? "localhost" : config.host
  const secure = config.tlsCert.length === 0 ? "" : "s"
  if (config.page) console.log(`  page    http${secure}://${host}:${port}/#${FIRST_ROOM}`)
  console.log(`  socket  ws${secure}://${host}:${port}/`)
  if (admin !== undefined) console.log(`  admin   http://${admin.host}:${admin.port}/`)
}
