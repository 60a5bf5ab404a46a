// Secrets that stand in files, so that no process list, environment or unit shows them: how such a file is read, and what
// an operator is told when others may read it too. Which options have one is options.ts's business.

import { readFileSync, statSync } from "node:fs"

/** 64 KiB: far above any secret; a path that leads to something else (a device, a disk image) is not read to its end. */
const MOST_BYTES = 65_536

/** Bits of a file's mode that let its group or others read or write it. */
const OTHERS = 0o066

/** Where systemd puts a service's credentials, as a path in a configuration names it (systemd.exec(5)). */
const CREDENTIALS = /\$\{?CREDENTIALS_DIRECTORY\}?(?=\/)/

/** A path as it was given, with systemd's folder of credentials in place of `$CREDENTIALS_DIRECTORY/`. */
export function withCredentials(path: string, env: Readonly<Record<string, string | undefined>>): string {
  return path.replace(CREDENTIALS, (name) => env["CREDENTIALS_DIRECTORY"] ?? name)
}

/**
 * What stands in the file, without white space around it.
 * @param letters how many characters it must have at least
 * @throws when it cannot be read, or is too short or too large; the message is for people and never shows what is in it
 */
export function readSecretFile(path: string, letters = 1): string {
  const { size } = statSync(path)
  if (size > MOST_BYTES) throw new RangeError(`is too large for a secret (${size} bytes)`)
  const secret = readFileSync(path, "utf8").trim()
  if (secret.length < letters)
    throw new RangeError(`must hold at least ${letters} characters, but has ${secret.length}`)
  return secret
}

/** Why the file is not as secret as it should be; undefined when it is, or is one of systemd's credentials. */
export function secretFileWarning(path: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const credentials = env["CREDENTIALS_DIRECTORY"]
  // systemd lets the service's user in by an access list, which looks like a permission of the group.
  if (credentials !== undefined && path.startsWith(`${credentials}/`)) return undefined
  const mode = statSync(path).mode & 0o777
  if ((mode & OTHERS) === 0) return undefined
  return `${path}: others may read this secret (mode ${mode.toString(8)}): chmod 600`
}
