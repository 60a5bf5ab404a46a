// Completions for bash and zsh: commands, flags, and what a flag's value can be.

import { COMMAND_NAMES, COMMANDS, flagsOf, ownersOfFlags } from "../../src/config/command-line.ts"
import { flagOf, OPTION_NAMES, optionOf } from "../../src/config/options.ts"

/** A flag as a completion sees it. */
interface Flag {
  readonly flag: string
  readonly help: string
  /** Empty for a switch. */
  readonly value: string
  readonly isList: boolean
  readonly choices: readonly string[]
}

function allFlags(): Flag[] {
  const options = OPTION_NAMES.map((name) => {
    const { help, value, isList = false, schema } = optionOf(name)
    return { flag: flagOf(name), help, value, isList, choices: value === "" ? [] : choicesOf(schema) }
  })
  const ofCommands = [...ownersOfFlags()].map(([flag, owners]) => {
    const [command = "start"] = owners
    const { value = "", help = "", isList = false } = flagsOf(command)[flag] ?? {}
    const choices = value.includes("|") ? value.split("|") : []
    return { flag: `--${flag}`, help: `${owners.join(", ")}: ${help}`, value, isList, choices }
  })
  const plain = { isList: false, choices: [] }
  return [
    { flag: "--config", help: "TOML file with options", value: "FILE", ...plain },
    { flag: "--help", help: "print all options", value: "", ...plain },
    { flag: "--version", help: "print the version", value: "", ...plain },
    { flag: "--no-page", help: "do not serve the demo call", value: "", ...plain },
    ...options,
    ...ofCommands,
  ]
}

/** The words of an option that takes one of a few. */
export function choicesOf(schema: object): readonly string[] {
  return "options" in schema && Array.isArray(schema.options) ? schema.options.map(String) : []
}

function takesFile({ value }: Flag): boolean {
  return value.endsWith("FILE") || value === "TARGET"
}

/** For /usr/share/bash-completion/completions/palava-machine. */
export function bashCompletion(): string {
  const flags = allFlags()
  const files = flags.filter(takesFile)
  const chosen = flags.filter(({ choices }) => choices.length > 0)
  const free = flags.filter((flag) => flag.value !== "" && !files.includes(flag) && !chosen.includes(flag))
  const names = (some: readonly Flag[]) => some.map(({ flag }) => flag).join("|")
  return `# bash completion for palava-machine. Made from the list of options; do not edit.

_palava_machine() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  case $before in
    ${names(files)}) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
${chosen.map(({ flag, choices }) => `    ${flag}) mapfile -t COMPREPLY < <(compgen -W "${choices.join(" ")}" -- "$word") ;;`).join("\n")}
    ${names(free)}) ;;
    *)
      if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${flags.map(({ flag }) => flag).join(" ")}" -- "$word")
      else
        mapfile -t COMPREPLY < <(compgen -W "${COMMAND_NAMES.join(" ")}" -- "$word")
      fi
      ;;
  esac
}
complete -o filenames -F _palava_machine palava-machine
`
}

/** For a folder of zsh's fpath, as _palava-machine. */
export function zshCompletion(): string {
  const quote = (text: string) => text.replaceAll("'", "'\\''")
  const inSpec = (text: string) => quote(text.replace(/[[\]:\\]/g, "\\$&"))
  const flags = allFlags().map((one) => {
    const { flag, help, value, isList, choices } = one
    const action = choices.length > 0 ? `(${choices.join(" ")})` : takesFile(one) ? "_files" : ""
    const takes = value === "" ? "" : `:${inSpec(value)}:${action}`
    return `  '${isList ? "*" : ""}${flag}${value === "" ? "" : "="}[${inSpec(help)}]${takes}'`
  })
  const commands = COMMAND_NAMES.map(
    (command) => `'${command}:${quote(COMMANDS[command].help.replaceAll(":", "\\:"))}'`,
  )
  return `#compdef palava-machine
# zsh completion for palava-machine. Made from the list of options; do not edit.

_palava_machine_commands() {
  local -a commands=(
    ${commands.join("\n    ")}
  )
  _describe command commands
}

_arguments -s \\
${flags.map((flag) => `${flag} \\`).join("\n")}
  '1::command:_palava_machine_commands'
`
}
