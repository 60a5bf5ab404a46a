// The options as people read them: --help, the effective configuration of check-config, and README's table.

import type { Invocation } from "./load.ts"
import { fileKeyOf, flagOf, OPTION_NAMES, type OptionName, optionOf, variableOf } from "./options.ts"

/** The text of --help. */
export function helpText(version: string): string {
  const rows = OPTION_NAMES.map((name) => [
    usageOf(name),
    `${optionOf(name).help} (${variableOf(name)}; ${defaultOf(name)})`,
  ])
  return `palava-machine ${version}: WebRTC signaling server

Usage:
  palava-machine [options]               start
  palava-machine check-config [options]  print the effective configuration; exit 2 with a line for each mistake
  palava-machine plugin-types            print the types for authors of plug-ins
  palava-machine stats [--by hour|day] [--from TIME] [--to TIME] [--json] [options]
                                         print the usage statistics of Redis, or of the server that runs here

Options (flag before environment variable before configuration file before default):
  --config FILE
      TOML file; its keys are the options with _ for -, for instance room_size = 20 (PALAVA_CONFIG; default none)
${rows.map(([usage, help]) => `  ${usage}\n      ${help}`).join("\n")}
  --help
  --version
`
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
    const { isSecret = false } = optionOf(name)
    const value = config[name]
    const isEmpty = value === "" || (Array.isArray(value) && value.length === 0)
    return `${fileKeyOf(name)} = ${isSecret && !isEmpty ? '"***"' : JSON.stringify(value)}  # ${sources[name]}`
  })
  const plugins = Object.keys(config.plugins).map((name) => `[plugins.${name}]  # options not shown`)
  return [...lines, ...plugins].join("\n")
}

function usageOf(name: OptionName): string {
  const { value } = optionOf(name)
  return value === "" ? flagOf(name) : `${flagOf(name)} ${value}`
}

function defaultOf(name: OptionName): string {
  const { default: fallback, defaultText } = optionOf(name)
  if (defaultText !== undefined) return `default ${defaultText}`
  return fallback === "" || (Array.isArray(fallback) && fallback.length === 0) ? "default none" : `default ${fallback}`
}
