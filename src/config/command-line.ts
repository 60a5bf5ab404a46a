// The command line taken apart: which command, which flags, and what it may have meant where it is wrong. What the
// values of options mean is load.ts's business.

import { parseArgs } from "node:util"
import { flagOf, OPTION_NAMES, optionOf } from "./options.ts"
import { suggestion } from "./suggest.ts"

/** A flag of one command alone. */
export interface CommandFlag {
  /** What stands for the value in --help; empty for a switch. */
  readonly value: string
  readonly help: string
  /** May be given several times. */
  readonly isList?: boolean
}

/** What there is to do, besides --help and --version. */
export const COMMANDS = {
  start: { help: "start; the name may be left out", flags: {} },
  "check-config": { help: "print the effective configuration; exit 2 with a line for each mistake", flags: {} },
  doctor: {
    help: "look at all that a call depends on, a line each; exit 1 when something keeps users from connecting",
    flags: { url: { value: "URL", help: "public address to set a call up through, such as wss://call.example.org/" } },
  },
  token: {
    help: "print an access token, signed with --auth-secret or --auth-secret-file, or with a private key",
    flags: {
      room: {
        value: "NAME",
        help: "a room it is for, or with * at the end how their names begin; repeatable",
        isList: true,
      },
      ttl: { value: "TIME", help: "how long it is good, such as 90s, 30m, 1h or 7d (1h if not given)" },
      sub: { value: "WHO", help: "who its bearer is" },
      name: { value: "NAME", help: "what its bearer is called" },
      peers: { value: "COUNT", help: "most members of a room for its bearer to come in" },
      can: { value: "RIGHTS", help: "all its bearer may do: some of send,status,lock (send,status if not given)" },
      key: { value: "FILE", help: "private key to sign with (PEM or JWK), for servers with --auth-jwks" },
      kid: { value: "ID", help: "the key's id in the JWKS" },
    },
  },
  "plugin-types": { help: "print the types for authors of plug-ins", flags: {} },
  stats: {
    help: "print the usage statistics of Redis, or of the server that runs here",
    flags: {
      by: { value: "hour|day", help: "a row for each hour or day (hour if not given)" },
      from: { value: "TIME", help: "the first hour, such as 2026-11-23T00:00Z or unix seconds" },
      to: { value: "TIME", help: "the last hour" },
      json: { value: "", help: "as JSON" },
    },
  },
} as const satisfies Record<string, { help: string; flags: Record<string, CommandFlag> }>

/** One of them. */
export type Command = keyof typeof COMMANDS

/** Their names, in the order of --help. */
export const COMMAND_NAMES = Object.keys(COMMANDS) as Command[]

/** Flags of `command` alone. */
export function flagsOf(command: Command): Readonly<Record<string, CommandFlag>> {
  return COMMANDS[command].flags
}

/** Values by flag, without its dashes. */
export type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

/** What the command line says. */
export interface CommandLine {
  readonly command: Command | "help" | "version"
  readonly values: Values
}

/** Takes the arguments behind the program's name apart; what is wrong is added to `mistakes`. */
export function parseCommandLine(args: readonly string[], mistakes: string[]): CommandLine {
  const options = knownFlags()
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, allowNegative: true })
    if (values["help"] === true) return { command: "help", values }
    if (values["version"] === true) return { command: "version", values }
    const [name = "start", ...rest] = positionals
    const command = COMMAND_NAMES.find((known) => known === name)
    if (rest.length > 0 || command === undefined) {
      mistakes.push(unknownCommand(positionals))
      return { command: "start", values }
    }
    for (const owner of COMMAND_NAMES) {
      const strangers = Object.keys(flagsOf(owner)).filter((flag) => owner !== command && values[flag] !== undefined)
      for (const flag of strangers) mistakes.push(`--${flag} belongs to the command ${owner}`)
    }
    return { command, values }
  } catch (cause) {
    if (args.includes("--help") || args.includes("-h")) return { command: "help", values: {} }
    mistakes.push(`${parseMistake(cause, Object.keys(options))} (see --help)`)
    return { command: "start", values: {} }
  }
}

function knownFlags() {
  const options: Record<string, { type: "string" | "boolean"; multiple?: boolean; short?: string }> = {
    config: { type: "string" },
    help: { type: "boolean", short: "h" },
    version: { type: "boolean", short: "v" },
  }
  for (const command of COMMAND_NAMES) {
    for (const [flag, { value, isList = false }] of Object.entries(flagsOf(command)))
      options[flag] = { type: value === "" ? "boolean" : "string", multiple: isList }
  }
  for (const name of OPTION_NAMES) {
    const { default: fallback, isList = false } = optionOf(name)
    options[flagOf(name).slice(2)] = { type: typeof fallback === "boolean" ? "boolean" : "string", multiple: isList }
  }
  return options
}

/** A word that could be a command is shown; anything else might be a secret that lost its flag. */
function unknownCommand(words: readonly string[]): string {
  const commands = COMMAND_NAMES.filter((known) => known !== "start")
  const shown = words.map((word) => (/^[\w-]{1,40}$/.test(word) ? word : "..."))
  const meant = words.length === 1 ? suggestion(words[0] ?? "", commands) : ""
  return `unknown command "${shown.join(" ")}"${meant || `: there are ${commands.join(", ")}, and none to start`} (see --help)`
}

function parseMistake(cause: unknown, flags: readonly string[]): string {
  const [sentence = ""] = String(cause instanceof Error ? cause.message : cause).split(/\n|\. /)
  const [, unknown = ""] = /^Unknown option '(--[^']+)'/.exec(sentence) ?? []
  const meant = suggestion(
    unknown,
    flags.map((flag) => `--${flag}`),
  )
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}${meant}`
}
