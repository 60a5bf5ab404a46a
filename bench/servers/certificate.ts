// Certificates for what is measured over TLS: self-signed, made anew by each run that wants one.

import { mkdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { run } from "./processes.ts"

/** What certificates are signed with: P-256, as certbot's are today, or RSA with 2,048 bits, as they were. */
export type KeyKind = "ecdsa" | "rsa"

/** PEM files. */
export interface CertificateFiles {
  cert: string
  key: string
}

const NEW_KEY: Record<KeyKind, readonly string[]> = {
  ecdsa: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
  rsa: ["-newkey", "rsa:2048"],
}

const FOLDER = resolve(import.meta.dir, "../../dist")
const made = new Map<KeyKind, Promise<CertificateFiles>>()

/** The certificate with such a key. */
export function certificateFiles(kind: KeyKind): Promise<CertificateFiles> {
  const known = made.get(kind)
  if (known !== undefined) return known
  const making = makeCertificate(kind)
  made.set(kind, making)
  return making
}

async function makeCertificate(kind: KeyKind): Promise<CertificateFiles> {
  mkdirSync(FOLDER, { recursive: true })
  const files = { cert: join(FOLDER, `bench-${kind}.crt`), key: join(FOLDER, `bench-${kind}.key`) }
  const output = ["-nodes", "-keyout", files.key, "-out", files.cert, "-days", "2", "-subj", "/CN=localhost"]
  await run(["openssl", "req", "-x509", ...NEW_KEY[kind], ...output])
  return files
}
