// The program: a command line becomes a command.

import { version } from "../package.json" with { type: "json" }
import { checkConfig } from "./commands/check-config.ts"
import { doctor } from "./commands/doctor.ts"
import { complain, exitFor } from "./commands/exit.ts"
import { operate } from "./commands/operate.ts"
import { start } from "./commands/start.ts"
import { printStats } from "./commands/stats.ts"
import { printToken } from "./commands/token.ts"
import { ConfigError, type Invocation, loadInvocation } from "./config/load.ts"
import { helpText } from "./config/print.ts"
import { PluginMistakes } from "./plugins/check.ts"
import { PLUGIN_TYPES } from "./plugins/types-text.ts"

const COMMANDS: { readonly [Name in Invocation["command"]]: (invocation: Invocation) => void | Promise<void> } = {
  start: ({ config, replaces }) => start(config, replaces),
  "check-config": checkConfig,
  doctor,
  "plugin-types": () => void process.stdout.write(PLUGIN_TYPES),
  stats: printStats,
  token: printToken,
  nodes: operate,
  rooms: operate,
  room: operate,
  kick: operate,
  "close-room": operate,
  drain: operate,
  undrain: operate,
  "restart-workers": operate,
  "log-level": operate,
  help: () => void process.stdout.write(helpText(version, columns())),
  version: () => console.log(version),
}

/** Of the terminal; 80 where there is none and nobody says. */
function columns(): number {
  return process.stdout.columns || Number(process.env["COLUMNS"]) || 80
}

try {
  const invocation = loadInvocation(process.argv.slice(2), process.env)
  for (const warning of invocation.warnings) complain("warn", `warning: ${warning}`)
  await COMMANDS[invocation.command](invocation)
} catch (cause) {
  if (!(cause instanceof ConfigError || cause instanceof PluginMistakes)) throw cause
  exitFor(cause.mistakes)
}
