// The files that options name: secrets are read from them, certificates are looked at before anything starts.

import { accessSync, constants, lstatSync, readFileSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { isUrl, parseKeys } from "../access/key-set.ts"
import { certificateFilesOf } from "../certificates/files.ts"
import { BadCertificate, readPair, staleness } from "../certificates/pair.ts"
import { firstSentence, readValue } from "./given.ts"
import { type Config, flagOf, OPTION_NAMES, type OptionName, optionOf } from "./options.ts"
import { readSecretFile, secretFileWarning } from "./secret-file.ts"

/** Values by the options' names, not yet complete. */
type Values = Record<string, unknown>

/** Reads the files that hold secrets: all are checked, and those that stand for another option become its value. */
export function readSecrets(
  config: Values,
  sources: Record<OptionName, string>,
  env: Readonly<Record<string, string | undefined>>,
  mistakes: string[],
  warnings: string[],
): void {
  for (const name of OPTION_NAMES) {
    const { secretLetters, standsFor } = optionOf(name)
    const path = String(config[name])
    if (secretLetters === undefined || path === "") continue
    const place = `${flagOf(name)} ${path}`
    try {
      const secret = readSecretFile(path, secretLetters)
      const warning = secretFileWarning(path, env)
      if (warning !== undefined) warnings.push(warning)
      if (name === "redisPasswordFile") logIn(config, secret, mistakes)
      if (standsFor === undefined) continue
      const other = standsFor as OptionName
      if (sources[other] !== "default") mistakes.push(`${flagOf(other)} and ${flagOf(name)}: give one of them`)
      config[other] = readValue(other, { texts: [secret], place }, mistakes)
      sources[other] = place
    } catch (cause) {
      mistakes.push(unreadable(place, path, cause))
    }
  }
}

/** Puts the password into the URLs of Redis, where it is masked wherever it is shown. */
function logIn(config: Values, password: string, mistakes: string[]): void {
  const withPassword = (given: string): string => {
    const url = new URL(given)
    if (url.password !== "") mistakes.push("--redis-password-file: there is a password in the URL of Redis as well")
    url.password = encodeURIComponent(password)
    return url.href
  }
  const { redis, redisCluster } = config as unknown as Config
  if (redis === "" && redisCluster.length === 0)
    mistakes.push("--redis-password-file: goes with --redis or --redis-cluster")
  if (redis !== "") config["redis"] = withPassword(redis)
  config["redisCluster"] = redisCluster.map(withPassword)
}

/** What `rediss://` trusts and shows, PEM texts. @throws when a file cannot be read */
export function redisTlsOf({ redisCa, redisCert, redisKey }: Pick<Config, "redisCa" | "redisCert" | "redisKey">) {
  const read = (path: string) => readFileSync(path, "utf8")
  return {
    ...(redisCa === "" ? {} : { ca: read(redisCa) }),
    ...(redisCert === "" ? {} : { cert: read(redisCert), key: read(redisKey) }),
  }
}

/**
 * Looks at certificates: before a start whether they can be used, for check-config also whether they are good today. And
 * for check-config at the state file, which a start takes as it is.
 */
export function checkFiles(config: Config, command: string, mistakes: string[], warnings: string[]): void {
  const files = certificateFilesOf(config, mistakes)
  const isCheck = command === "check-config"
  if (command === "start" || isCheck) {
    if (isCheck && config.stateFile !== "") checkStateFile(config.stateFile, mistakes, warnings)
    for (const pair of files) {
      const before = mistakes.length
      checkReadable("--tls-cert", pair.cert, mistakes)
      checkReadable("--tls-key", pair.key, mistakes)
      if (mistakes.length > before) continue
      try {
        const stale = isCheck ? staleness(readPair(pair), Date.now()) : void readPair(pair)
        if (stale !== undefined) mistakes.push(stale)
      } catch (cause) {
        if (!(cause instanceof BadCertificate)) throw cause
        mistakes.push(cause.message)
      }
    }
  }
  if ((config.redisCert === "") !== (config.redisKey === ""))
    mistakes.push("--redis-cert and --redis-key go together: give both or none")
  for (const name of ["redisCa", "redisCert", "redisKey"] as const) checkPem(name, config[name], mistakes)
  if (config.authJwks !== "" && !isUrl(config.authJwks)) checkKeys(config.authJwks, mistakes)
}

/** Bits of a file's mode that let its group or others do anything with it. */
const OTHERS = 0o077

/** Bits of a file's mode: written by all, but what belongs to others stays theirs. */
const ANYBODY_WRITES = 0o002
const STICKY = 0o1000

const FOLDER_REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no folder",
  ENOTDIR: "there is no folder",
  EACCES: "this user may not write to",
  EROFS: "nothing can be written to",
}

/** Whether a state can be left there, and one that is there taken. */
function checkStateFile(path: string, mistakes: string[], warnings: string[]): void {
  const folder = dirname(path)
  const place = `--state-file ${path}`
  try {
    // With the slash a file is no folder, whoever asks.
    const { mode } = statSync(`${folder}/`)
    accessSync(folder, constants.W_OK | constants.X_OK)
    if ((mode & ANYBODY_WRITES) !== 0 && (mode & STICKY) === 0)
      mistakes.push(`${place}: anybody may put another file there (chmod o-w ${folder}, or another folder)`)
  } catch (cause) {
    const { code = "" } = cause as { code?: string }
    mistakes.push(`${place}: ${FOLDER_REASONS[code] ?? firstSentence(cause)} ${folder}`)
    return
  }
  const file = lstatSync(path, { throwIfNoEntry: false })
  if (file?.isFile() === false) mistakes.push(`${place}: is no regular file`)
  else if (file !== undefined && (file.mode & OTHERS) !== 0)
    warnings.push(
      `${path}: others may use this state (mode ${(file.mode & 0o777).toString(8)}), so it will not be: chmod 600`,
    )
}

function checkReadable(flag: string, path: string, mistakes: string[]): void {
  try {
    readFileSync(path)
  } catch (cause) {
    mistakes.push(unreadable(`${flag} ${path}`, path, cause))
  }
}

function checkPem(name: OptionName, path: string, mistakes: string[]): void {
  if (path === "") return
  const wanted = name === "redisKey" ? "PRIVATE KEY" : "CERTIFICATE"
  const place = `${flagOf(name)} ${path}`
  try {
    if (!readFileSync(path, "utf8").includes(`${wanted}-----`)) mistakes.push(`${place}: no ${wanted} (PEM) in it`)
  } catch (cause) {
    mistakes.push(unreadable(place, path, cause))
  }
}

function checkKeys(path: string, mistakes: string[]): void {
  try {
    parseKeys(readFileSync(path, "utf8"))
  } catch (cause) {
    mistakes.push(unreadable(`--auth-jwks ${path}`, path, cause))
  }
}

/** What keeps a file from being used; systemd's credentials are there only for the service. */
function unreadable(place: string, path: string, cause: unknown): string {
  const isCredential = /^(\/run\/credentials\/|\$\{?CREDENTIALS_DIRECTORY)/.test(path)
  return `${place}: ${firstSentence(cause)}${isCredential ? " (systemd puts it there while the service runs)" : ""}`
}
