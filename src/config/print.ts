// The options as people read them: --help, the effective configuration of check-config, and README's table.

import { adminAddressOf, hasAdmin } from "./admin-address.ts"
import { COMMAND_NAMES, COMMANDS, type Command, flagsOf, formOf } from "./command-line.ts"
import type { Invocation } from "./load.ts"
import {
  type Config,
  DIALECTS,
  fileKeyOf,
  flagOf,
  GROUPS,
  OPTION_NAMES,
  type OptionName,
  optionOf,
  variableOf,
} from "./options.ts"

/** Columns of the narrowest terminal that is heeded, and of the widest lines that are still easy to read. */
const NARROWEST = 40
const WIDEST = 120

/** Before what an option does. */
const INDENT = "      "

/** The text of --help, for a terminal of so many columns. */
export function helpText(version: string, columns: number): string {
  const width = Math.min(Math.max(columns, NARROWEST), WIDEST)
  const entry = (usage: string, help: string) =>
    [`  ${usage}`, ...wrap(help, width - INDENT.length)].join(`\n${INDENT}`)
  const commands = COMMAND_NAMES.map((command) => entry(commandUsage(command), COMMANDS[command].help))
  const groups = groupsOfOptions().map(({ title, names }) => {
    const options = names.map((name) =>
      entry(usageOf(name), `${optionOf(name).help} (${variableOf(name)}; ${defaultOf(name)})`),
    )
    return `${title}:\n${options.join("\n")}`
  })
  const [order = "", ...more] = wrap(
    "Options: a flag comes before an environment variable, that before the configuration file, that before the default.",
    width,
  )
  return `${[
    `palava-machine ${version}: WebRTC signaling server`,
    `Usage: palava-machine [COMMAND] [OPTIONS]\n${commands.join("\n")}`,
    [order, ...more].join("\n"),
    `General:\n${GENERAL.map(([usage, help]) => entry(usage, help)).join("\n")}`,
    ...groups,
  ].join("\n\n")}\n`
}

/** What takes no part in the configuration. */
export const GENERAL: readonly (readonly [usage: string, help: string])[] = [
  [
    "--config FILE",
    "TOML file; its keys are the options with _ for -, for instance room_size = 20 (PALAVA_CONFIG; default none)",
  ],
  ["--help, -h", "print this"],
  ["--version, -v", "print the version"],
]

/** The options under their headings. */
export function groupsOfOptions(): { title: string; names: OptionName[] }[] {
  const starts = GROUPS.map(({ from }) => OPTION_NAMES.indexOf(from))
  return GROUPS.map(({ title }, at) => ({ title, names: OPTION_NAMES.slice(starts[at], starts[at + 1]) }))
}

/** How a command is called, with what stands behind it and its own flags. */
export function commandUsage(command: Command): string {
  const flags = Object.entries(flagsOf(command)).map(
    ([flag, { value }]) => ` [--${flag}${value === "" ? "" : ` ${value}`}]`,
  )
  const { argument } = formOf(command)
  return `${command}${argument === undefined ? "" : ` ${argument}`}${flags.join("")}`
}

/** README's table of options. */
export function optionTable(): string {
  const rows = OPTION_NAMES.map((name) => {
    const { isList = false, help } = optionOf(name)
    return `| \`${usageOf(name)}\`${isList ? ", repeatable" : ""} | \`${variableOf(name)}\` | ${defaultOf(name).replace(/^default /, "")} | ${help} |`
  })
  return ["| option | environment | default | what it does |", "| --- | --- | --- | --- |", ...rows].join("\n")
}

/** The effective configuration as TOML, each line with its source, secrets masked. */
export function configText({ config, sources }: Invocation): string {
  const lines = OPTION_NAMES.map((name) => {
    return `${fileKeyOf(name)} = ${JSON.stringify(printable(name, inForce(name, config)))}  # ${sources[name]}`
  })
  const plugins = Object.keys(config.plugins).map((name) => `[plugins.${name}]  # options not shown`)
  return [...lines, ...plugins].join("\n")
}

/** The value that an option has in the end, where that is another than the one it was given. */
function inForce(name: OptionName, config: Config): unknown {
  if (name === "adminListen" && hasAdmin(config)) {
    const { host, port } = adminAddressOf(config)
    return `${host}:${port}`
  }
  if (name === "dialect" && config.dialect.length === 0) return DIALECTS
  return config[name]
}

/** A value as anybody may see it. */
function printable(name: OptionName, value: unknown): unknown {
  const { shown } = optionOf(name)
  if (shown === undefined || value === "") return value
  return Array.isArray(value) ? value.map(shown) : shown(String(value))
}

/** An option with what stands for its value. */
export function usageOf(name: OptionName): string {
  const { value } = optionOf(name)
  return value === "" ? flagOf(name) : `${flagOf(name)} ${value}`
}

/** `default 4233`, or `default none`. */
export function defaultOf(name: OptionName): string {
  const { default: fallback, defaultText } = optionOf(name)
  if (defaultText !== undefined) return `default ${defaultText}`
  return fallback === "" || (Array.isArray(fallback) && fallback.length === 0) ? "default none" : `default ${fallback}`
}

/** Lines of at most `width` columns, broken between words. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
