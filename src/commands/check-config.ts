// `palava-machine check-config`: the effective configuration, or a line for each mistake.

import { makePlugins } from "../app/parts.ts"
import type { Invocation } from "../config/load.ts"
import { configText } from "../config/print.ts"
import { SILENT } from "../telemetry/log.ts"

/**
 * Prints the configuration in force.
 * @throws PluginMistakes when a plug-in cannot be used
 */
export async function checkConfig(invocation: Invocation): Promise<void> {
  await makePlugins(invocation.config, SILENT)
  console.log(configText(invocation))
}
