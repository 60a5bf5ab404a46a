// What Bun is told of TLS: which certificate for which name, and only suites whose keys nobody can reconstruct later from
// the certificate's.

import type { TLSOptions } from "bun"

/** Certificates, the one for names that have none of their own first. */
export type Tls = readonly TLSOptions[]

/** A certificate for one host name (*.example.org too), or for all. */
interface NamedCertificate {
  readonly files: { readonly host: string | undefined }
  readonly cert: string
  readonly key: string
}

/**
 * For TLS 1.2: ephemeral keys and authenticated encryption (RFC 9325 section 4.2). Bun's own list has static RSA keys
 * too. The suites of TLS 1.3 are all of this kind, and older versions Bun does not speak.
 */
const CIPHERS = ["ECDHE-ECDSA", "ECDHE-RSA"]
  .flatMap((keys) => ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"].map((suite) => `${keys}-${suite}`))
  .join(":")

/** A name nobody can ask for (RFC 6761): Bun wants one for each certificate of several. */
const NO_NAME = "default.invalid"

/** What Bun.serve takes for these. */
export function toTls(pairs: readonly NamedCertificate[]): Tls {
  return pairs.map(({ files: { host }, cert, key }) => {
    const serverName = pairs.length === 1 ? {} : { serverName: host ?? NO_NAME }
    return { cert, key, ciphers: CIPHERS, ...serverName }
  })
}
