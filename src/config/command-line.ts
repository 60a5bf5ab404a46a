// The command line taken apart: which command, which flags, and what it may have meant where it is wrong. What the
// values of options mean is load.ts's business.

import { parseArgs } from "node:util"
import { suggestion } from "../suggest.ts"
import { flagOf, OPTION_NAMES, optionOf } from "./options.ts"

/** A flag of some commands alone. */
export interface CommandFlag {
  /** What stands for the value in --help; empty for a switch. */
  readonly value: string
  readonly help: string
  /** May be given several times. */
  readonly isList?: boolean
}

/** A command. */
export interface CommandForm {
  /** What stands behind its name; in brackets where it may be left out. */
  readonly argument?: string
  readonly help: string
  readonly flags: Readonly<Record<string, CommandFlag>>
}

const JSON_FLAG = { json: { value: "", help: "as JSON" } }

/** What operators' commands have in common. */
const ASKING = {
  admin: {
    value: "HOST:PORT",
    help: "the administration listener to ask, or its URL; if not given, as --admin-listen says",
  },
  ...JSON_FLAG,
}

const NAMING = { name: { value: "NAME", help: "the room by the name that its members call it" }, ...ASKING }

const ORDERING = {
  node: {
    value: "NODE",
    help: "the node it is for, by the first digits of its id; if not given, the one that is asked",
  },
  ...ASKING,
}

/** What there is to do, besides --help and --version. */
export const COMMANDS = {
  start: {
    help: "start; the name may be left out",
    flags: {
      replace: { value: "", help: "take the place of the server that runs with the same --state-file, if any" },
    },
  },
  "check-config": { help: "print the effective configuration; exit 2 with a line for each mistake", flags: {} },
  doctor: {
    help: "look at all that a call depends on, a line each; exit 1 when something keeps users from connecting",
    flags: { url: { value: "URL", help: "public address to set a call up through, such as wss://call.example.org/" } },
  },
  token: {
    help: "print an access token, signed with the secret that servers have, or with a private key",
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
      ...JSON_FLAG,
    },
  },
  nodes: { help: "list the nodes: state, lease, load, version", flags: ASKING },
  rooms: { help: "list the largest rooms, by the hash of their name", flags: ASKING },
  room: {
    argument: "[HASH]",
    help: "tell all of a room; HASH: its first digits, as the log has them",
    flags: NAMING,
  },
  kick: { argument: "PEER", help: "part from a peer, at whichever node it is", flags: ASKING },
  "close-room": { argument: "[HASH]", help: "part from all members of a room", flags: NAMING },
  drain: {
    help: "turn /readyz red, so that balancers send nobody new; whoever is there or comes is served",
    flags: ORDERING,
  },
  undrain: { help: "turn it green again", flags: ORDERING },
  "restart-workers": {
    help: "replace the processes of --workers one by one, each by a new one that is ready first; nobody is seen to leave",
    flags: ASKING,
  },
  "log-level": { argument: "LEVEL", help: "log at debug, info, warn, error or silent from now on", flags: ORDERING },
} as const satisfies Record<string, CommandForm>

/** One of them. */
export type Command = keyof typeof COMMANDS

/** Their names, in the order of --help. */
export const COMMAND_NAMES = Object.keys(COMMANDS) as Command[]

/** A command, whatever it has. */
export function formOf(command: Command): CommandForm {
  return COMMANDS[command]
}

/** Flags of `command` that are no options. */
export function flagsOf(command: Command): Readonly<Record<string, CommandFlag>> {
  return COMMANDS[command].flags
}

/** Values by flag, without its dashes. */
export type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

/** What the command line says. */
export interface CommandLine {
  readonly command: Command | "help" | "version"
  /** What stands behind the command's name; empty if nothing does. */
  readonly argument: string
  readonly values: Values
}

/** Takes the arguments behind the program's name apart; what is wrong is added to `mistakes`. */
export function parseCommandLine(args: readonly string[], mistakes: string[]): CommandLine {
  const options = knownFlags()
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, allowNegative: true })
    if (values["help"] === true) return { command: "help", argument: "", values }
    if (values["version"] === true) return { command: "version", argument: "", values }
    const [name = "start", argument = "", ...rest] = positionals
    const command = COMMAND_NAMES.find((known) => known === name)
    if (command === undefined) {
      mistakes.push(unknownCommand(positionals))
      return { command: "start", argument, values }
    }
    checkArgument(command, argument, rest, mistakes)
    for (const [flag, owners] of ownersOfFlags()) {
      if (values[flag] !== undefined && !owners.includes(command))
        mistakes.push(`--${flag} belongs to ${owners.length > 1 ? "the commands" : "the command"} ${owners.join(", ")}`)
    }
    return { command, argument, values }
  } catch (cause) {
    if (args.includes("--help") || args.includes("-h")) return { command: "help", argument: "", values: {} }
    mistakes.push(`${parseMistake(cause, spellings(options))} (see --help)`)
    return { command: "start", argument: "", values: {} }
  }
}

function checkArgument(command: Command, argument: string, rest: readonly string[], mistakes: string[]): void {
  const { argument: wanted } = formOf(command)
  if (wanted === undefined && argument !== "") mistakes.push(unknownCommand([command, argument, ...rest]))
  else if (rest.length > 0) mistakes.push(`${command}: takes one ${wanted}, but has ${rest.length + 1} (see --help)`)
  else if (wanted?.startsWith("[") === false && argument === "")
    mistakes.push(`${command}: must be followed by ${wanted} (see --help)`)
}

/** The flags of commands, without their dashes, and whose they are. */
export function ownersOfFlags(): ReadonlyMap<string, readonly Command[]> {
  const owners = new Map<string, Command[]>()
  for (const command of COMMAND_NAMES) {
    for (const flag of Object.keys(flagsOf(command))) owners.set(flag, [...(owners.get(flag) ?? []), command])
  }
  return owners
}

type KnownFlags = Record<string, { type: "string" | "boolean"; multiple?: boolean; short?: string }>

/** Every flag as it may be given; a switch also with `no-` before it. */
function spellings(options: KnownFlags): string[] {
  return Object.entries(options).flatMap(([flag, { type }]) =>
    type === "boolean" ? [`--${flag}`, `--no-${flag}`] : [`--${flag}`],
  )
}

function knownFlags() {
  const options: KnownFlags = {
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
  // A switch off with a value is unknown to parseArgs.
  if (flags.includes(unknown)) return `option '${unknown}' does not take an argument`
  const meant = suggestion(unknown, flags)
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}${meant}`
}
