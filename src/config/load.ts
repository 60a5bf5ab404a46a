// From the command line, the environment and the configuration file to one frozen Config. Flags come before the
// environment, the environment before the file, the file before defaults. All mistakes are found in one go, each told
// in one line that names where it stands and what would be right.

import { readFileSync } from "node:fs"
import * as v from "valibot"
import { type CommandLine, parseCommandLine, type Values } from "./command-line.ts"
import { type Config, fileKeyOf, flagOf, OPTION_NAMES, type OptionName, optionOf, variableOf } from "./options.ts"
import { readSecretFile, secretFileWarning, withCredentials } from "./secret-file.ts"
import { suggestion } from "./suggest.ts"

/** Everything wrong with what the program was started with, a line each. */
export class ConfigError extends Error {
  override name = "ConfigError"
  readonly mistakes: readonly string[]

  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"))
    this.mistakes = mistakes
  }
}

/** What the command stats was asked for. */
export interface StatsFlags {
  readonly from: string | undefined
  readonly to: string | undefined
  readonly by: "hour" | "day"
  readonly isJson: boolean
}

/** What the command doctor was asked for. */
export interface DoctorFlags {
  /** An address of a WebSocket. */
  readonly url: string | undefined
}

/** What an operators' command was asked for. */
export interface AdminFlags {
  /** The administration listener, with a slash at its end; undefined: as `--admin-listen` says. */
  readonly url: string | undefined
  readonly isJson: boolean
  /** Of a room. */
  readonly name: string | undefined
  /** First digits of a node's id. */
  readonly node: string | undefined
}

/** What the command line asks for. */
export interface Invocation {
  readonly command: CommandLine["command"]
  /** What stands behind its name; empty if nothing does. */
  readonly argument: string
  readonly config: Config
  readonly statsFlags: StatsFlags
  readonly doctorFlags: DoctorFlags
  readonly adminFlags: AdminFlags
  /** Where each value came from: a flag, a variable, the file, or "default". */
  readonly sources: Readonly<Record<OptionName, string>>
  /** What is odd, but keeps nothing from working: a line each. */
  readonly warnings: readonly string[]
}

/** What a source gives for an option, and how to name the place in a message. */
interface Given {
  readonly texts: readonly string[]
  readonly place: string
}

/** What Kubernetes gives every container about a service that is called palava-something. */
const SERVICE_LINK = /_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$/

/**
 * Reads the command line and all it points to.
 * @param args the arguments behind the program's name
 * @throws ConfigError with every mistake found
 */
export function loadInvocation(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Invocation {
  const mistakes: string[] = []
  const { command, argument, values } = parseCommandLine(args, mistakes)
  const file = readConfigFile((values["config"] as string | undefined) ?? (env["PALAVA_CONFIG"] || undefined), mistakes)
  const config: Record<string, unknown> = { plugins: file.plugins }
  const sources = {} as Record<OptionName, string>
  for (const name of OPTION_NAMES) {
    const given = withFolder(fromFlag(name, values) ?? fromVariable(name, env) ?? file.given(name), env)
    sources[name] = given?.place ?? "default"
    config[name] = given === undefined ? optionOf(name).default : readValue(name, given, mistakes)
  }
  const warnings = unknownVariables(env)
  readSecrets(config, sources, env, mistakes, warnings)
  checkTogether(config as unknown as Config, mistakes)
  const statsFlags = readStatsFlags(values, mistakes)
  const adminFlags = readAdminFlags(values, mistakes)
  const doctorFlags = { url: readUrl(values["url"], mistakes) }
  if (mistakes.length > 0 && command !== "help" && command !== "version") throw new ConfigError(mistakes)
  return {
    command,
    argument,
    config: Object.freeze(config) as unknown as Config,
    statsFlags,
    doctorFlags,
    adminFlags,
    sources,
    warnings,
  }
}

function readStatsFlags(values: Values, mistakes: string[]): StatsFlags {
  const { from, to, by = "hour", json } = values
  if (by !== "hour" && by !== "day") mistakes.push(`--by: must be hour or day, but is "${by}"`)
  return {
    from: from as string | undefined,
    to: to as string | undefined,
    by: by === "day" ? "day" : "hour",
    isJson: json === true,
  }
}

function readAdminFlags({ admin, json, name, node }: Values, mistakes: string[]): AdminFlags {
  const url = admin === undefined ? undefined : URL.parse(String(admin))
  const isUrl = url === undefined || (url !== null && /^https?:$/.test(url.protocol))
  if (!isUrl) mistakes.push("--admin: must be an address such as http://127.0.0.1:4234/")
  return {
    url: url?.href.replace(/\/*$/, "/"),
    isJson: json === true,
    name: name as string | undefined,
    node: node as string | undefined,
  }
}

/** The variables that look like ours and are not. */
function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = ["PALAVA_CONFIG", ...OPTION_NAMES.map(variableOf)]
  return Object.keys(env)
    .filter((name) => name.startsWith("PALAVA_") && !known.includes(name) && !SERVICE_LINK.test(name))
    .map((name) => `${name} is no variable of this program${suggestion(name, known)}`)
}

function fromFlag(name: OptionName, values: Values): Given | undefined {
  const value = values[flagOf(name).slice(2)]
  if (value === undefined) return undefined
  return { texts: (Array.isArray(value) ? value : [value]).map(String), place: flagOf(name) }
}

function fromVariable(name: OptionName, env: Readonly<Record<string, string | undefined>>): Given | undefined {
  const value = env[variableOf(name)]
  if (value === undefined || value === "") return undefined
  const texts = optionOf(name).isList ? value.split(/[\s,]+/).filter((part) => part !== "") : [value]
  return { texts, place: variableOf(name) }
}

/** Paths may begin with systemd's folder of credentials. */
function withFolder(given: Given | undefined, env: Readonly<Record<string, string | undefined>>): Given | undefined {
  return given && { ...given, texts: given.texts.map((text) => withCredentials(text, env)) }
}

/** Reads the files that hold secrets: all are checked, and those that stand for another option become its value. */
function readSecrets(
  config: Record<string, unknown>,
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
      if (standsFor === undefined) continue
      const other = standsFor as OptionName
      if (sources[other] !== "default") mistakes.push(`${flagOf(other)} and ${flagOf(name)}: give one of them`)
      config[other] = readValue(
        other,
        { texts: optionOf(other).isList ? secret.split(/\s+/) : [secret], place },
        mistakes,
      )
      sources[other] = place
    } catch (cause) {
      mistakes.push(unreadable(place, path, cause))
    }
  }
}

function readConfigFile(
  path: string | undefined,
  mistakes: string[],
): { given: (name: OptionName) => Given | undefined; plugins: Record<string, unknown> } {
  const nothing = { given: () => undefined, plugins: {} }
  if (path === undefined) return nothing
  let table: Record<string, unknown>
  try {
    table = Bun.TOML.parse(readFileSync(path, "utf8")) as Record<string, unknown>
  } catch (cause) {
    mistakes.push(`--config ${path}: ${firstSentence(cause)}`)
    return nothing
  }
  const keys = OPTION_NAMES.map(fileKeyOf)
  for (const key of Object.keys(table)) {
    if (!keys.includes(key) && key !== "plugins")
      mistakes.push(`${path}: unknown key "${key}"${suggestion(key, keys) || " (keys are the options with _ for -)"}`)
  }
  const { plugins = {} } = table
  if (typeof plugins !== "object" || plugins === null) mistakes.push(`${path}: plugins must be tables [plugins.NAME]`)
  return {
    plugins: plugins as Record<string, unknown>,
    given(name) {
      const value = table[fileKeyOf(name)]
      if (value === undefined) return undefined
      return { texts: (Array.isArray(value) ? value : [value]).map(String), place: `${path}: ${fileKeyOf(name)}` }
    },
  }
}

/** The checked value; after a mistake the default, so that the other checks can go on. */
function readValue(name: OptionName, { texts, place }: Given, mistakes: string[]): unknown {
  const { schema, default: fallback, isList = false, shown } = optionOf(name)
  const values: unknown[] = []
  for (const text of texts) {
    const result = v.safeParse(schema, text, { abortPipeEarly: true })
    if (result.success) values.push(result.output)
    else
      mistakes.push(
        `${place}: ${result.issues[0].message}${shown !== undefined ? "" : `, but is "${text.slice(0, 200)}"`}`,
      )
  }
  if (isList) return values
  if (texts.length > 1) mistakes.push(`${place}: takes one value, but has ${texts.length}`)
  return values[0] ?? fallback
}

/** A WebSocket's address; browsers' http and https are as good. */
function readUrl(value: Values[string], mistakes: string[]): string | undefined {
  if (value === undefined) return undefined
  const url = URL.parse(String(value).replace(/^http/, "ws"))
  if (url !== null && /^wss?:$/.test(url.protocol)) return url.href
  mistakes.push("--url: must be an address such as wss://call.example.org/")
  return undefined
}

/** What no option can tell alone. */
function checkTogether(config: Config, mistakes: string[]): void {
  if ((config.tlsCert === "") !== (config.tlsKey === ""))
    mistakes.push("--tls-cert and --tls-key go together: give both or none")
  for (const [flag, path] of [
    ["--tls-cert", config.tlsCert],
    ["--tls-key", config.tlsKey],
  ] as const) {
    if (path !== "") checkReadable(flag, path, mistakes)
  }
  if (config.iceServer.some((url) => url.startsWith("turn")) && config.turnSecret === "") {
    mistakes.push("--ice-server: a TURN server needs --turn-secret, the secret it shares with this server")
  }
  if (config.deadSeconds < config.pingSeconds + 5) {
    mistakes.push(
      `--dead-seconds: must be at least 5 more than --ping-seconds (${config.pingSeconds}), but is ${config.deadSeconds}`,
    )
  }
  if (config.redis !== "" && config.redisCluster.length > 0)
    mistakes.push("--redis and --redis-cluster: give one of them")
}

function checkReadable(flag: string, path: string, mistakes: string[]): void {
  try {
    readFileSync(path)
  } catch (cause) {
    mistakes.push(unreadable(`${flag} ${path}`, path, cause))
  }
}

/** What keeps a file from being used; systemd's credentials are there only for the service. */
function unreadable(place: string, path: string, cause: unknown): string {
  const isCredential = /^(\/run\/credentials\/|\$\{?CREDENTIALS_DIRECTORY)/.test(path)
  return `${place}: ${firstSentence(cause)}${isCredential ? " (systemd puts it there while the service runs)" : ""}`
}

/** One line a person can read, from whatever was thrown. */
function firstSentence(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (message.startsWith("ENOENT")) return "no such file"
  if (message.startsWith("EACCES")) return "permission denied"
  if (message.startsWith("EISDIR")) return "is a directory"
  return message.split(/\n|\. /)[0] ?? message
}
