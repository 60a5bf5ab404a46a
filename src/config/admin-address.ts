// Where the administration listener is and how to be let in, for all who ask it: what `--admin-listen` says, taken apart
// once, and the token of `--admin-token-file`.

import { readSecretFile } from "./secret-file.ts"

/** What it depends on. */
interface AdminConfig {
  /** HOST:PORT, [IPv6]:PORT, "off", or empty for the default. */
  readonly adminListen: string
  readonly port: number
}

/** A host as URLs write it (IPv6 in brackets), and a port. */
export interface AdminAddress {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/** The default: this machine only. */
const LOOPBACK = "127.0.0.1"

/** Whether there is one at all. */
export function hasAdmin({ adminListen }: AdminConfig): boolean {
  return adminListen !== "off"
}

/**
 * The address in `--admin-listen`; without one, loopback and the port after the browsers'.
 * @param publicPort the browsers' port as it turned out to be, where `--port` is 0
 */
export function adminAddressOf({ adminListen, port }: AdminConfig, publicPort = port): AdminAddress {
  if (adminListen === "" || adminListen === "off") return { host: LOOPBACK, port: port === 0 ? 0 : publicPort + 1 }
  const colon = adminListen.lastIndexOf(":")
  return { host: adminListen.slice(0, colon), port: Number(adminListen.slice(colon + 1)) }
}

/** The token in `--admin-token-file`; undefined when none is wanted. @throws when it cannot be read */
export function adminTokenOf({ adminTokenFile }: { readonly adminTokenFile: string }): string | undefined {
  return adminTokenFile === "" ? undefined : readSecretFile(adminTokenFile)
}

/** The headers of a request to it. @throws when the token cannot be read */
export function adminHeadersOf(config: { readonly adminTokenFile: string }): Record<string, string> {
  const token = adminTokenOf(config)
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}
