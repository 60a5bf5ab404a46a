// From the command line, the environment and the configuration file to one frozen Config. Flags come before the
// environment, the environment before the file, the file before defaults. All mistakes are found in one go, each told
// in one line that names where it stands and what would be right.

import { readFileSync } from "node:fs"
import { suggestion } from "../suggest.ts"
import { type CommandLine, parseCommandLine, type Values } from "./command-line.ts"
import { firstSentence, type Given, readValue } from "./given.ts"
import { checkFiles, readSecrets } from "./named-files.ts"
import {
  type Config,
  fileKeyOf,
  flagOf,
  isClustered,
  OPTION_NAMES,
  type OptionName,
  optionOf,
  variableOf,
} from "./options.ts"
import { withCredentials } from "./secret-file.ts"
import { readTokenFlags, type TokenFlags } from "./token-flags.ts"
import { WORKER_VARIABLE } from "./worker-place.ts"

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
  /** Whether it is started to take the place of one that runs. */
  readonly replaces: boolean
  readonly statsFlags: StatsFlags
  readonly doctorFlags: DoctorFlags
  readonly adminFlags: AdminFlags
  readonly tokenFlags: TokenFlags
  /** Where each value came from: a flag, a variable, the file, or "default". */
  readonly sources: Readonly<Record<OptionName, string>>
  /** What is odd, but keeps nothing from working: a line each. */
  readonly warnings: readonly string[]
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
  const warnings = [...unknownVariables(env), ...steeringVariables(env)]
  readSecrets(config, sources, env, mistakes, warnings)
  checkTogether(config as unknown as Config, mistakes)
  if (command === "start" || command === "check-config") warnings.push(...withoutEffect(config as unknown as Config))
  checkFiles(config as unknown as Config, command, mistakes, warnings)
  const statsFlags = readStatsFlags(values, mistakes)
  const adminFlags = readAdminFlags(values, mistakes)
  const replaces = values["replace"] === true
  if (replaces && config["stateFile"] === "") mistakes.push("--replace needs --state-file, that of the running server")
  if (replaces && config["workers"] !== 1)
    mistakes.push("--replace and --workers: give one of them; the command restart-workers replaces workers one by one")
  const doctorFlags = { url: readUrl(values["url"], mistakes) }
  const tokenFlags = readTokenFlags(values, command === "token", mistakes)
  if (mistakes.length > 0 && command !== "help" && command !== "version") throw new ConfigError(mistakes)
  return {
    command,
    argument,
    config: Object.freeze(config) as unknown as Config,
    replaces,
    statsFlags,
    doctorFlags,
    adminFlags,
    tokenFlags,
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

/** IPv6 in brackets. */
const HOST_AND_PORT = /^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/

function readAdminFlags({ admin, json, name, node }: Values, mistakes: string[]): AdminFlags {
  const given = String(admin)
  const url = admin === undefined ? undefined : URL.parse(HOST_AND_PORT.test(given) ? `http://${given}` : given)
  const isUrl = url === undefined || (url !== null && /^https?:$/.test(url.protocol))
  if (!isUrl)
    mistakes.push(`--admin: must be HOST:PORT or an address such as http://127.0.0.1:4234/, but is "${given}"`)
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
  const isOurs = (name: string) => known.includes(name) || name === WORKER_VARIABLE
  return Object.keys(env)
    .filter((name) => name.startsWith("PALAVA_") && !isOurs(name) && !SERVICE_LINK.test(name))
    .map((name) => `${name} is no variable of this program${suggestion(name, known)}`)
}

/** Variables that Bun inside the executable obeys before this program begins. */
const STEERING = /^(BUN_OPTIONS|BUN_INSPECT\w*|NODE_TLS_REJECT_UNAUTHORIZED)$/

/** Those that load other code, open a debugger, or trust anybody. */
function steeringVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(env)
    .filter((name) => STEERING.test(name) && env[name] !== "")
    .map((name) => `${name} is set, which changes how the program itself runs: unset it`)
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
  if (config.authSecret !== "" && config.authJwks !== "")
    mistakes.push("--auth-secret and --auth-jwks: give one of them, as one decides how tokens are signed")
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
  if (config.workers !== 1 && !isClustered(config))
    mistakes.push("--workers: needs --redis or --redis-cluster, by which the workers see each other's peers")
}

/** What is given and does nothing. */
function withoutEffect({ sameIdentity, authSecret, authJwks, plugin }: Config): string[] {
  const hasIdentities = authSecret !== "" || authJwks !== "" || plugin.length > 0
  if (sameIdentity === "allow" || hasIdentities) return []
  return [
    `--same-identity ${sameIdentity} does nothing: nobody has an identity without --auth-secret-file, --auth-jwks or a plug-in that gives one`,
  ]
}
