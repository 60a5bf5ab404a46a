// The program: a command line becomes a command.

import { version } from "../package.json" with { type: "json" }
import { checkConfig } from "./commands/check-config.ts"
import { exitFor } from "./commands/exit.ts"
import { start } from "./commands/start.ts"
import { printStats } from "./commands/stats.ts"
import { ConfigError, type Invocation, loadInvocation } from "./config/load.ts"
import { helpText } from "./config/print.ts"
import { PluginMistakes } from "./plugins/check.ts"
import { PLUGIN_TYPES } from "./plugins/types-text.ts"

const COMMANDS: { readonly [Name in Invocation["command"]]: (invocation: Invocation) => void | Promise<void> } = {
  start: ({ config }) => start(config),
  "check-config": checkConfig,
  "plugin-types": () => void process.stdout.write(PLUGIN_TYPES),
  stats: printStats,
  help: () => console.log(helpText(version)),
  version: () => console.log(version),
}

try {
  const invocation = loadInvocation(process.argv.slice(2), process.env)
  await COMMANDS[invocation.command](invocation)
} catch (cause) {
  if (!(cause instanceof ConfigError || cause instanceof PluginMistakes)) throw cause
  exitFor(cause.mistakes)
}
