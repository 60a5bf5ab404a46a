// A self-signed certificate for localhost, made when a test asks: no file that expires, and no openssl needed. Just
// enough DER (X.690) to write one X.509 certificate (RFC 5280).

import { generateKeyPairSync, randomBytes, sign } from "node:crypto"

/** A certificate and its key, as PEM texts. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** What is to be different about one. */
export interface CertificateOptions {
  /** A DNS name in place of localhost and 127.0.0.1. */
  readonly name?: string
  /** Days from now; yesterday and in 90 days, as certbot's, if not given. */
  readonly fromDays?: number
  readonly toDays?: number
  /** Who signs it in place of itself. */
  readonly issuer?: { readonly name: string; readonly key: string }
}

/** Makes a certificate, for localhost and 127.0.0.1 and valid from yesterday on for 90 days if nothing else is said. */
export function makeCertificate({
  name: dns = "localhost",
  fromDays = -1,
  toDays = 90,
  issuer,
}: CertificateOptions = {}): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const ecdsaWithSha256 = sequence(objectId(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
  const nameOf = (text: string) =>
    sequence(der(0x31, sequence(objectId(0x55, 0x04, 0x03), der(0x0c, Buffer.from(text)))))
  const address = dns === "localhost" ? [der(0x87, Buffer.from([127, 0, 0, 1]))] : []
  const names = sequence(der(0x82, Buffer.from(dns)), ...address)
  const subjectAltName = sequence(objectId(0x55, 0x1d, 0x11), der(0x04, names))
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    nameOf(issuer?.name ?? dns),
    sequence(time(fromDays), time(toDays)),
    nameOf(dns),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(subjectAltName)),
  )
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign("sha256", toBeSigned, issuer?.key ?? privateKey)]))
  return {
    cert: toPem(sequence(toBeSigned, ecdsaWithSha256, signature)),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  }
}

/** A tag, the length of what it holds, and what it holds. */
function der(tag: number, content: Uint8Array): Buffer {
  const { length } = content
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from(head), content])
}

function sequence(...parts: Uint8Array[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

function objectId(...bytes: number[]): Buffer {
  return der(0x06, Buffer.from(bytes))
}

/** So many days from now, as YYMMDDhhmmssZ. */
function time(days: number): Buffer {
  const date = new Date(Date.now() + days * 86_400_000)
  return der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`))
}

function toPem(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`
}
