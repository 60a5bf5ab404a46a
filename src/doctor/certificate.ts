// The certificate: whether it and its key belong together, for which names and how long it is good, whether its chain is
// there, and whether the server that runs has the same one in use.

import type { X509Certificate } from "node:crypto"
import { isIP } from "node:net"
import { connect } from "node:tls"
import { withoutBrackets } from "../access/hosts.ts"
import { type CertificateFiles, type CertificateOptions, certificateFilesOf } from "../certificates/files.ts"
import {
  BadCertificate,
  type CertificatePair,
  dayOf,
  daysLeft,
  namesOf,
  readPair,
  SOON_DAYS,
  staleness,
} from "../certificates/pair.ts"
import { type Finding, reasonOf, withDeadline } from "./finding.ts"
import { serverName } from "./handshake.ts"

/**
 * A line for each thing about each of them.
 * @param hostname the name browsers use, from --url; undefined when nobody said
 * @param served where a server of ours listens on this machine; undefined when none does
 */
export async function checkCertificates(
  options: CertificateOptions,
  hostname: string | undefined,
  served: { host: string; port: number } | undefined,
): Promise<Finding[]> {
  const all = certificateFilesOf(options)
  if (all.length === 0) {
    return [
      { verdict: "skipped", what: "certificate", result: "none: a proxy has to bring TLS, or browsers give no camera" },
    ]
  }
  const isAsked = ({ host }: CertificateFiles) => host !== undefined && host === hostname?.toLowerCase()
  // The one browsers get by that name; those of other names are not for it.
  const chosen = all.find(isAsked) ?? all[0]
  return (
    await Promise.all(all.map((files) => checkOne(files, files === chosen ? hostname : files.host, served)))
  ).flat()
}

async function checkOne(
  files: CertificateFiles,
  hostname: string | undefined,
  served: { host: string; port: number } | undefined,
): Promise<Finding[]> {
  let pair: CertificatePair
  try {
    pair = readPair(files)
  } catch (cause) {
    if (!(cause instanceof BadCertificate)) throw cause
    return [{ verdict: "bad", what: "certificate", result: cause.message }]
  }
  const { chain } = pair
  const [leaf] = chain
  const what = files.cert
  return [
    { verdict: "ok", what: files.key, result: "is the key of the certificate" },
    expiryFinding(pair),
    nameFinding(what, leaf, hostname),
    chainFinding(what, chain),
    ...(served === undefined ? [] : [await servedFinding(leaf, files.host, served)]),
  ]
}

function expiryFinding(pair: CertificatePair): Finding {
  const [what, leaf, now] = [pair.files.cert, pair.chain[0], Date.now()]
  const stale = staleness(pair, now)
  if (stale !== undefined) return { verdict: "bad", what: "certificate", result: stale }
  const days = daysLeft(leaf, now)
  if (days >= SOON_DAYS) return { verdict: "ok", what, result: `valid until ${dayOf(leaf)}, ${days} days` }
  return {
    verdict: "odd",
    what,
    result: `expires on ${dayOf(leaf)}, in ${days} days`,
    advice: "renew it: certbot renew",
  }
}

function nameFinding(what: string, leaf: X509Certificate, hostname: string | undefined): Finding {
  const names = namesOf(leaf)
  if (hostname === undefined) return { verdict: "ok", what, result: `is for ${names}` }
  const bare = withoutBrackets(hostname)
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

/** A server sees a renewed certificate within seconds, but for one that systemd copied for it at its start. */
async function servedFinding(
  leaf: X509Certificate,
  name: string | undefined,
  { host, port }: { host: string; port: number },
): Promise<Finding> {
  const what = `certificate on port ${port}${name === undefined ? "" : ` for ${name}`}`
  try {
    // A wildcard is asked for by one of its names.
    const asked = name === undefined ? {} : serverName(name.replace(/^\*/, "any"))
    const socket = connect({ host: withoutBrackets(host), port, ...asked, rejectUnauthorized: false })
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
      result: "is not the one in the file",
      advice: "systemctl reload palava-machine, and see its log; systemctl restart after a change of options",
    }
  } catch (cause) {
    return { verdict: "bad", what, result: reasonOf(cause), advice: "does the server that runs have --tls-cert?" }
  }
}
