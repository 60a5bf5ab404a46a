// The manual page palava-machine(1), in the man macros that every Unix has.

import { COMMAND_NAMES, COMMANDS, flagsOf } from "../../src/config/command-line.ts"
import { optionOf, variableOf } from "../../src/config/options.ts"
import { commandUsage, defaultOf, GENERAL, groupsOfOptions, usageOf } from "../../src/config/print.ts"

/** The page of `version`, dated `date` (YYYY-MM-DD). */
export function manPage(version: string, date: string): string {
  const commands = COMMAND_NAMES.flatMap((command) => [
    item(commandUsage(command), COMMANDS[command].help),
    ...Object.entries(flagsOf(command)).map(
      ([flag, { value, help }]) => `.RS\n${item(`--${flag} ${value}`.trim(), help)}\n.RE`,
    ),
  ])
  const groups = groupsOfOptions().map(({ title, names }) => {
    const items = names.map((name) => {
      const { help, isList = false } = optionOf(name)
      return item(usageOf(name), `${help}${isList ? "; repeatable" : ""} (${variableOf(name)}; ${defaultOf(name)})`)
    })
    return `.SS ${title}\n${items.join("\n")}`
  })
  return `.\\" Made from the list of options; do not edit.
.TH PALAVA\\-MACHINE 1 ${date} "palava\\-machine ${version}" "User Commands"
.SH NAME
palava\\-machine \\- signaling server for WebRTC
.SH SYNOPSIS
.B palava\\-machine
.RI [ COMMAND ]
.RI [ OPTIONS ]
.SH DESCRIPTION
Browsers meet in a room of this server, exchange offers, answers and ICE candidates through it, and then talk to each
other directly. It serves WebSockets and a demo call on one port, and metrics and health for operators on another. Alone
it keeps its rooms in memory; with Redis any number of nodes behave as one.
.SH COMMANDS
${commands.join("\n")}
.SH OPTIONS
A flag comes before an environment variable, that before the configuration file, that before the default.
${GENERAL.map(([usage, help]) => item(usage, help)).join("\n")}
${groups.join("\n")}
.SH SIGNALS
${item("SIGTERM", "Stops gently: readiness goes red, clients are told, and after --shutdown-seconds all connections are closed.")}
${item("SIGINT, or SIGTERM again", "Stops at once.")}
${item("SIGUSR2", "Logs at debug; the next one goes back to --log-level.")}
.SH EXIT STATUS
${item("0", "It did what it was asked for.")}
${item("1", "It could not start, or failed; the doctor found something that keeps users from connecting.")}
${item("2", "It was started wrongly: a line for each mistake is on stderr.")}
.SH FILES
${item("/etc/palava-machine/palava-machine.toml", "The configuration that the service reads.")}
.SH SEE ALSO
.BR systemd.service (5),
.BR turnserver (1),
.BR redis\\-server (1)
`
}

function item(term: string, text: string): string {
  return `.TP\n.B ${troff(term)}\n${troff(text)}`
}

/** A hyphen that is to be copied, a backslash, and what would be a request at the beginning of a line. */
function troff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/, "\\&$&")
}
