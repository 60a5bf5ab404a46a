// The certificate: whether it and its key belong together, for which names and how long it is good, whether its chain is
// there, and whether the server that runs has the same one in use.

import { createPrivateKey, X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { isIP } from "node:net"
import { connect } from "node:tls"
import { daysUntil, type Finding, reasonOf, withDeadline } from "./finding.ts"

/** What it depends on. */
interface CertificateConfig {
  readonly tlsCert: string
  readonly tlsKey: string
}

/** certbot renews 30 days before the end; what is still old at 14 will not be renewed by itself. */
const SOON_DAYS = 14

/**
 * A line for each thing about it.
 * @param hostname the name browsers use, from --url; undefined when nobody said
 * @param served where a server of ours listens on this machine; undefined when none does
 */
export async function checkCertificate(
  { tlsCert, tlsKey }: CertificateConfig,
  hostname: string | undefined,
  served: { host: string; port: number } | undefined,
): Promise<Finding[]> {
  if (tlsCert === "") {
    return [
      { verdict: "skipped", what: "certificate", result: "none: a proxy has to bring TLS, or browsers give no camera" },
    ]
  }
  const what = tlsCert
  let chain: X509Certificate[]
  try {
    chain = certificatesIn(readFileSync(tlsCert, "utf8"))
  } catch (cause) {
    return [
      {
        verdict: "bad",
        what,
        result: `no certificate (PEM): ${reasonOf(cause)}`,
        advice: "give --tls-cert fullchain.pem",
      },
    ]
  }
  const [leaf] = chain
  if (leaf === undefined)
    return [{ verdict: "bad", what, result: "no certificate (PEM) in it", advice: "give --tls-cert fullchain.pem" }]
  return [
    keyFinding(leaf, tlsKey),
    expiryFinding(what, leaf),
    nameFinding(what, leaf, hostname),
    chainFinding(what, chain),
    ...(served === undefined ? [] : [await servedFinding(leaf, served)]),
  ]
}

function certificatesIn(pem: string): X509Certificate[] {
  const texts = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  return texts.map((text) => new X509Certificate(text))
}

function keyFinding(leaf: X509Certificate, tlsKey: string): Finding {
  try {
    if (leaf.checkPrivateKey(createPrivateKey(readFileSync(tlsKey)))) {
      return { verdict: "ok", what: tlsKey, result: "is the key of the certificate" }
    }
    const advice = "give the two of one renewal: fullchain.pem and privkey.pem of the same folder"
    return { verdict: "bad", what: tlsKey, result: "is the key of another certificate", advice }
  } catch (cause) {
    return {
      verdict: "bad",
      what: tlsKey,
      result: `no private key (PEM): ${reasonOf(cause)}`,
      advice: "give --tls-key privkey.pem",
    }
  }
}

function expiryFinding(what: string, leaf: X509Certificate): Finding {
  const [from, to] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)]
  const days = daysUntil(to)
  const day = new Date(to).toISOString().slice(0, 10)
  const advice = "renew it: certbot renew"
  if (from > Date.now()) {
    return {
      verdict: "bad",
      what,
      result: `is not valid before ${leaf.validFrom}`,
      advice: "is the clock of this machine right?",
    }
  }
  if (days < 0) return { verdict: "bad", what, result: `expired on ${day}`, advice }
  if (days < SOON_DAYS) return { verdict: "odd", what, result: `expires on ${day}, in ${days} days`, advice }
  return { verdict: "ok", what, result: `valid until ${day}, ${days} days` }
}

function nameFinding(what: string, leaf: X509Certificate, hostname: string | undefined): Finding {
  const names = (leaf.subjectAltName ?? leaf.subject).replaceAll(/DNS:|IP Address:|CN=/g, "")
  if (hostname === undefined) return { verdict: "ok", what, result: `is for ${names}` }
  const bare = hostname.replace(/^\[|\]$/g, "")
  const isOurs = (isIP(bare) === 0 ? leaf.checkHost(bare) : leaf.checkIP(bare)) !== undefined
  if (isOurs) return { verdict: "ok", what, result: `is for ${hostname}` }
  return {
    verdict: "bad",
    what,
    result: `is for ${names}, not for ${hostname}`,
    advice: `get one with it: certbot -d ${hostname}`,
  }
}

/** Browsers often know what is missing from earlier visits elsewhere; phones and apps do not. */
function chainFinding(what: string, chain: readonly X509Certificate[]): Finding {
  const [leaf, next] = chain
  if (leaf?.checkIssued(leaf)) {
    return {
      verdict: "odd",
      what,
      result: "is signed by itself, which browsers accept only when told",
      advice: "use certbot",
    }
  }
  if (leaf !== undefined && next !== undefined && leaf.checkIssued(next)) {
    return { verdict: "ok", what, result: `has its chain (${chain.length} certificates)` }
  }
  return {
    verdict: "bad",
    what,
    result: "has no chain: some clients will refuse it",
    advice: "give fullchain.pem, not cert.pem",
  }
}

/** A server reads its certificate when it starts: a renewed one is used after a restart. */
async function servedFinding(leaf: X509Certificate, { host, port }: { host: string; port: number }): Promise<Finding> {
  const what = `certificate on port ${port}`
  try {
    const socket = connect({ host, port, rejectUnauthorized: false })
    const fingerprint = await withDeadline(
      new Promise<string>((resolve, reject) => {
        socket.once("error", reject)
        socket.once("secureConnect", () => resolve(socket.getPeerCertificate().fingerprint256 ?? ""))
      }),
    ).finally(() => socket.destroy())
    if (fingerprint === leaf.fingerprint256) return { verdict: "ok", what, result: "is the one in the file" }
    return {
      verdict: "odd",
      what,
      result: "is an older one than in the file",
      advice: "systemctl restart palava-machine",
    }
  } catch (cause) {
    return { verdict: "bad", what, result: reasonOf(cause), advice: "does the server that runs have --tls-cert?" }
  }
}
