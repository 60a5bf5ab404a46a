// A certificate and its key, read and judged: whether they are what they should be, belong together, are for the name
// they are given for, and how long they are good. Used before a start, at each renewal, and by the doctor.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { createSecureContext } from "node:tls"
import type { CertificateFiles } from "./files.ts"

/** A pair that can be used. */
export interface CertificatePair {
  readonly files: CertificateFiles
  /** The files' texts. */
  readonly cert: string
  readonly key: string
  /** The certificate itself first, what signed it behind. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]]
}

/** A pair that cannot be used; the message names the option, the file, what is wrong and what to do. */
export class BadCertificate extends Error {
  override name = "BadCertificate"
}

/** certbot renews 30 days before the end; what is still old at 14 will not be renewed by itself. */
export const SOON_DAYS = 14

const DAY_MS = 86_400_000

/** Reads the two files. @throws BadCertificate when they are no pair that can be used; see `staleness` for its time */
export function readPair(files: CertificateFiles): CertificatePair {
  return judgePair(files, readPem("--tls-cert", files.cert), readPem("--tls-key", files.key))
}

/** What `readPair` does, with texts already read. */
export function judgePair(files: CertificateFiles, cert: string, key: string): CertificatePair {
  const [certPlace, keyPlace] = [`--tls-cert ${files.cert}`, `--tls-key ${files.key}`]
  const blocks = cert.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) {
    if (hasKey(cert) && key.includes("BEGIN CERTIFICATE"))
      throw new BadCertificate(`${certPlace}: is a private key, and --tls-key a certificate: swap the two`)
    throw new BadCertificate(`${certPlace}: no certificate (PEM) in it: give fullchain.pem`)
  }
  const [leaf, ...more] = blocks.map((block) => read(certPlace, "broken certificate", () => new X509Certificate(block)))
  if (!hasKey(key)) throw new BadCertificate(`${keyPlace}: no private key (PEM) in it: give privkey.pem`)
  if (/ENCRYPTED/.test(key)) throw new BadCertificate(`${keyPlace}: the key wants a passphrase: openssl pkey -in FILE`)
  const privateKey = read<KeyObject>(keyPlace, "broken private key", () => createPrivateKey(key))
  if (!leaf?.checkPrivateKey(privateKey))
    throw new BadCertificate(
      `${keyPlace}: is the key of another certificate than ${files.cert}: give the two of one renewal`,
    )
  if (files.host !== undefined && !isFor(leaf, files.host))
    throw new BadCertificate(`${certPlace}: is for ${namesOf(leaf)}, not for ${files.host}`)
  // The last word has what will use it: it refuses keys that are too small, and chains it cannot read.
  read(certPlace, "cannot be used", () => createSecureContext({ cert, key }))
  return { files, cert, key, chain: [leaf, ...more] }
}

/** Why a pair is not good now: not yet, or no more; undefined when it is. */
export function staleness({ files, chain: [leaf] }: CertificatePair, now: number): string | undefined {
  if (Date.parse(leaf.validFrom) > now)
    return `--tls-cert ${files.cert}: is not valid before ${leaf.validFrom}: is the clock of this machine right?`
  return expiresAt(leaf) < now ? `--tls-cert ${files.cert}: expired on ${dayOf(leaf)}: renew it` : undefined
}

/** When a certificate ends, unix milliseconds. */
export function expiresAt(leaf: X509Certificate): number {
  return Date.parse(leaf.validTo)
}

/** Whole days from `now` to its end; negative when it has ended. */
export function daysLeft(leaf: X509Certificate, now: number): number {
  return Math.floor((expiresAt(leaf) - now) / DAY_MS)
}

/** The day of its end, as 2026-11-23. */
export function dayOf(leaf: X509Certificate): string {
  return new Date(expiresAt(leaf)).toISOString().slice(0, 10)
}

/** The names it is for, for people. */
export function namesOf(leaf: X509Certificate): string {
  return (leaf.subjectAltName ?? leaf.subject).replaceAll(/DNS:|IP Address:|CN=/g, "")
}

/** The text of a file. @throws BadCertificate when it cannot be read */
export function readPem(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (cause) {
    throw new BadCertificate(`${flag} ${path}: cannot be read: ${(cause as Error).message}`)
  }
}

/** A name as a browser would look it up; a wildcard certificate is for the name it is written for. */
function isFor(leaf: X509Certificate, host: string): boolean {
  return leaf.checkHost(host.replace(/^\*/, "any")) !== undefined
}

function hasKey(pem: string): boolean {
  return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)
}

function read<T>(place: string, problem: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    const { message = String(cause) } = cause as { message?: string }
    throw new BadCertificate(`${place}: ${problem}: ${message.split("\n")[0]}`)
  }
}
