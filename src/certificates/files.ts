// Which file holds which part of which certificate, as --tls-cert and --tls-key say it: one pair for all host names, or
// some for a name each (SNI, RFC 6066 section 3), or both.

/** The two files of a certificate. */
export interface CertificateFiles {
  /** The name it is for, such as call.example.org or *.example.org; undefined: for all that have none of their own. */
  readonly host: string | undefined
  /** The chain, PEM: the certificate first. */
  readonly cert: string
  /** Its private key, PEM. */
  readonly key: string
}

/** What --tls-cert and --tls-key say. */
export interface CertificateOptions {
  /** FILE or HOST=FILE. */
  readonly tlsCert: readonly string[]
  readonly tlsKey: readonly string[]
}

/** `HOST=` before a file; whoever has a file called so writes ./ before it. */
const FOR_HOST = /^((?:\*\.)?[\w-]+(?:\.[\w-]+)*)=(.+)$/

/** The pairs, the one for all names first. What is wrong with how they were given is added to `mistakes`. */
export function certificateFilesOf(
  { tlsCert, tlsKey }: CertificateOptions,
  mistakes: string[] = [],
): CertificateFiles[] {
  const certs = byHost("--tls-cert", tlsCert, mistakes)
  const keys = byHost("--tls-key", tlsKey, mistakes)
  const missing = [...certs.keys()].filter((host) => !keys.has(host))
  const odd = [...keys.keys()].filter((host) => !certs.has(host))
  for (const host of [...missing, ...odd])
    mistakes.push(`--tls-cert and --tls-key go together: give both or none${host === "" ? "" : ` for ${host}`}`)
  const files = [...certs].flatMap(([host, cert]) => {
    const key = keys.get(host)
    return key === undefined ? [] : [{ host: host === "" ? undefined : host, cert, key }]
  })
  return files.sort((a, b) => Number(a.host !== undefined) - Number(b.host !== undefined))
}

/** Files by host; "" is the one for all. */
function byHost(flag: string, given: readonly string[], mistakes: string[]): Map<string, string> {
  const files = new Map<string, string>()
  for (const value of given) {
    const [, host = "", file = value] = FOR_HOST.exec(value) ?? []
    const name = host.toLowerCase()
    if (files.has(name)) mistakes.push(`${flag}: given twice for ${name || "all names: FILE or HOST=FILE"}`)
    files.set(name, file)
  }
  return files
}
