// What is read again while a node runs, so that nothing ends for it: certificates when their files change, and all of it
// when somebody asks (SIGHUP): then also the administration's token.

import { certificateFilesOf } from "../certificates/files.ts"
import { expiresAt, readPair } from "../certificates/pair.ts"
import { CertificateWatch, type Outcome } from "../certificates/watch.ts"
import { SYSTEM_CLOCK } from "../clock.ts"
import { adminTokenOf } from "../config/admin-address.ts"
import type { Config } from "../config/options.ts"
import type { Log } from "../log.ts"
import { type Tls, toTls } from "../server/tls.ts"
import type { Metrics } from "../telemetry/registry.ts"

/** By what was read again; "none" where the configuration names no such file. */
export interface Reloaded {
  readonly certificates: Outcome | "none"
  readonly adminToken: Outcome | "none"
}

/** What is read again, as it is now. */
export interface Renewals {
  /** Undefined without certificates. */
  readonly tls: Tls | undefined
  readonly adminToken: () => string | undefined
  /** Begins to look after the certificates; `renew` uses others from then on. */
  watch(renew: (tls: Tls) => void): void
  /** Reads everything at once. What is refused is told in the log, and the old stays. */
  reload(): Reloaded
  stop(): void
}

/**
 * Reads it for the first time.
 * @throws BadCertificate, or when the token cannot be read
 */
export function makeRenewals(config: Config, log: Log, metrics: Metrics): Renewals {
  const pairs = certificateFilesOf(config).map(readPair)
  let token = adminTokenOf(config)
  let watch: CertificateWatch | undefined

  if (pairs.length > 0) {
    metrics.addGauge(
      "palava_tls_certificate_expires_timestamp_seconds",
      "When the certificate in use ends, unix time; the name is that of --tls-cert NAME=FILE, or default.",
      () =>
        Object.fromEntries(
          (watch?.pairs ?? pairs).map(({ files, chain: [leaf] }) => [files.host ?? "default", expiresAt(leaf) / 1000]),
        ),
      "name",
      "min",
    )
  }

  const reloadToken = (): Reloaded["adminToken"] => {
    if (token === undefined) return "none"
    try {
      const before = token
      token = adminTokenOf(config)
      return token === before ? "unchanged" : "renewed"
    } catch (cause) {
      log.warn({ reason: `--admin-token-file: ${(cause as Error).message}` }, "a token was refused, the old one stays")
      return "refused"
    }
  }

  return {
    tls: pairs.length === 0 ? undefined : toTls(pairs),
    adminToken: () => token,
    watch(renew) {
      if (pairs.length === 0) return
      watch = new CertificateWatch({ pairs, clock: SYSTEM_CLOCK, log, use: (pairs) => renew(toTls(pairs)) })
    },
    reload: () => ({ certificates: watch?.reload() ?? "none", adminToken: reloadToken() }),
    stop: () => watch?.stop(),
  }
}
